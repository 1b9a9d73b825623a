/** Warms up a generated scanner; see ../warm-up.ts. */
import type { ReadOptions } from '../reader.ts'
import { unitBytes } from '../text.ts'
import { repeated, sampleCells } from '../warm-up.ts'
import { type FailedRecord, noRows, type Scan } from './interpreted.ts'
import type { Layout } from './layout.ts'
import type { CsvOptions } from './options.ts'

/** Reads a few records of this layout, and forgets them. */
export function warmUp(scan: Scan, layout: Layout, read: ReadOptions, csv: CsvOptions): void {
  const { unknown } = layout.inside
  const names = layout.columns.map(({ name }) => name)
  const records = sampleCells(read, names, csv.quote).map((cells) => cells.join(csv.delimiter))
  for (const lines of repeated(`${records.join('\r\n')}\n`)) {
    const units =
      unitBytes(csv.encoding) === 1
        ? Buffer.from(lines, 'latin1')
        : Uint16Array.from({ length: lines.length }, (_, i) => lines.charCodeAt(i))
    const failed: FailedRecord[] = []
    scan(units, lines, 0, units.length, noRows(), new Int32Array(2 * records.length), failed, records.length)
  }
  layout.inside.unknown = unknown
}
