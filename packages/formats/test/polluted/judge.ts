/** What became of a polluted file, compared with its clean twin. */
import { MillraceError, type Row } from '@millrace/core'
import { encodeText } from '../../src/text.ts'
import { readCsv, type Seen } from '../csv-read.ts'
import type { Polluted } from './pollutions.ts'
import { schema } from './tables.ts'

/**
 * `equal`: every row was read. `reported`: what was not read is in bad records. `refused`: the file was, with a code.
 * Anything else is wrong, in words.
 */
export type Outcome = 'equal' | 'reported' | 'refused' | { readonly wrong: string }

export async function judge(polluted: Polluted): Promise<Outcome> {
  let seen: Seen
  try {
    seen = await readCsv(polluted.bytes, schema, { csv: polluted.csv })
  } catch (error) {
    if (!(error instanceof MillraceError)) return { wrong: `it throws ${(error as Error).message}` }
    return polluted.isClean ? { wrong: `it is refused: ${error.message}` } : 'refused'
  }
  return judged(polluted, seen)
}

/** Judges what a reader made of a file. */
export function judged(
  { table, lines, encoding, isClean, also }: Polluted,
  { rows, bad }: Pick<Seen, 'rows' | 'bad'>,
): Outcome {
  const key = (row: Row) => JSON.stringify(row)
  const left = new Map<string, number[]>()
  for (const [i, row] of table.rows.entries()) left.set(key(row), [...(left.get(key(row)) ?? []), i])
  const allowed = new Set(also?.map(key))
  let changed = 0
  for (const row of rows) {
    const own = left.get(key(row))
    if (own?.length) own.shift()
    else if (allowed.delete(key(row))) changed++
    else return { wrong: `it reads ${key(row)}, which nobody wrote` }
  }
  const missing = [...left.values()].flat()
  if (missing.length === 0 && bad.length === 0) return 'equal'
  if (isClean) return { wrong: `${missing.length} rows are missing, ${bad.length} are bad: ${bad[0]?.code}` }
  // The row that was changed may be anything; all others must be in bad records as they are, or in several for each of
  // their lines.
  const reported = bad.map(({ bytes }) => bytes)
  const raw = (text: string) => Buffer.from(encodeText(text, encoding ?? 'utf-8')!).toString('latin1')
  const isReported = (line: string) => reported.some((bytes) => bytes.includes(raw(line)))
  const lost = missing.filter((i) => !lines[i]!.split(/[\r\n]+/).every(isReported))
  if (lost.length > 1 + changed || (missing.length > changed && bad.length === 0))
    return { wrong: `${lost.length} rows are lost without a word, the first is ${lines[lost[0]!]}` }
  return bad.length === 0 ? 'equal' : 'reported'
}
