/** Writes large records and tells what that took; the child's part of memory.ts. */
import { batch, type Env, Records, type Row, type Sink } from '@millrace/core'
import type { LargeWrites } from '../memory.ts'

/** `maxRSS` counts in these. */
const kib = 1024

/** Bytes beyond those that the process had when it had written one record. */
export async function writeLarge(
  sink: Sink,
  env: Env,
  { row, writes, perWrite, flushes }: Pick<LargeWrites, 'row' | 'writes' | 'perWrite' | 'flushes'>,
): Promise<number> {
  const { signal } = new AbortController()
  let position = 0
  const write = async (n: number) => {
    const rows: Row[] = Array(n).fill(row)
    const from = position
    position += n
    const origin = { source: 's', batch: batch({ split: 'a', rows, positionAt: (i) => from + i }) }
    await sink.write(new Records({ rows, from: [origin], pipeline: env.pipeline }), { signal, epoch: 1 })
  }
  await sink.open?.({ signal, incarnation: 1, start: 'test', instance: { i: 0, n: 1 }, warn: () => {} })
  await write(1)
  const before = process.resourceUsage().maxRSS
  for (let n = 0; n < writes; n++) {
    await write(perWrite)
    if (flushes) await sink.flush?.({ signal, epoch: 1, roll: false, end: false })
  }
  await sink.flush?.({ signal, epoch: 1, roll: true, end: true })
  const after = process.resourceUsage().maxRSS
  await sink.close?.()
  return (after - before) * kib
}
