/** Writes records to the files of the places that they go to. */
import { DataError, PartialWriteError, type Records, type Row, type WriteFailure } from '@millrace/core'
import type { OpenFiles } from './open-files.ts'

/**
 * Writes to several files if the path has fields, else to one. Throws `PartialWriteError` for records whose place has
 * no name, or which the format cannot store.
 */
export function writeByPlace(
  files: OpenFiles,
  records: Records,
  keyOf: (row: Row) => string,
  partitioned: boolean,
): Promise<void> | void {
  if (records.length === 0) return undefined
  if (partitioned) return writeApart(files, records, keyOf)
  const refused: WriteFailure[] = []
  const key = keyOf({})
  const taken = files.addSync(key, records.rows, refused)
  if (taken === records.length && !files.needsDisk(key)) return refuse(refused)
  return files.add(key, records.rows, taken, undefined, refused).then(() => refuse(refused))
}

/** Rows by the places that they go to. */
async function writeApart(files: OpenFiles, { rows }: Records, keyOf: (row: Row) => string): Promise<void> {
  const refused: WriteFailure[] = []
  const groups = new Map<string, { rows: Row[]; indexes: number[] }>()
  let last = { rows: [] as Row[], indexes: [] as number[] }
  let lastKey: string | undefined
  rows.forEach((row, i) => {
    const key = keyIn(row, i, keyOf, refused)
    if (key === undefined) return
    if (key !== lastKey) {
      lastKey = key
      const group = groups.get(key)
      last = group ?? { rows: [], indexes: [] }
      if (!group) groups.set(key, last)
    }
    last.rows.push(row)
    last.indexes.push(i)
  })
  for (const [key, { rows, indexes }] of groups) await files.add(key, rows, 0, indexes, refused)
  await files.release()
  refuse(refused)
}

/** The key of a row's place; undefined: it has a value without a name, which is refused. */
function keyIn(row: Row, index: number, keyOf: (row: Row) => string, refused: WriteFailure[]): string | undefined {
  try {
    return keyOf(row)
  } catch (error) {
    if (error instanceof DataError) {
      const { code, message, field } = error
      refused.push({ index, kind: 'data', code, message, field })
    } else if (error instanceof RangeError)
      refused.push({ index, kind: 'data', code: 'out_of_range', message: error.message })
    else throw error
    return undefined
  }
}

function refuse(refused: WriteFailure[]): void {
  if (refused.length > 0) throw new PartialWriteError(refused.toSorted((a, b) => a.index - b.index))
}
