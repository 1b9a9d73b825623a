/**
 * Reads numbered records, page by page. A restart goes on after the last page whose records are safe, because each
 * batch says where to resume: the number of records read so far. Each record's own position is its number, so it keeps
 * its identity whatever the page size.
 */
import {
  type BadRecord,
  batch,
  DataError,
  defineSource,
  option,
  type Row,
  rowFromJson,
  unknownOf,
} from '@millrace/core'
import { Type } from 'typebox'
import { fetchPage } from './client.ts'

/**
 * One ordered sequence of records: a system with several (partitions, files) announces each and yields their batches
 * side by side.
 */
const split = 'records'

export default defineSource({
  kind: 'source',
  type: '__TYPE__',
  summary: 'Reads numbered records.',
  // An option is made by `option` or is a TypeBox value; either kind may stand inside the other.
  options: option.object({
    records: Type.Integer({ description: 'How many records there are.', default: 100, minimum: 0 }),
    page_size: option.integer('Records asked for at a time.', { default: 1000, min: 1, max: 10_000 }),
  }),
  capabilities: () => ({ bounded: true, replayable: true, lanes: 'one' }),
  create: ({ records, page_size }, { schema, unknownFields }) => ({
    async *read({ resume, signal }) {
      // Counts what the spec's schema does not name and is left out.
      const tally = { unknown: 0 }
      const toRow = rowFromJson(schema, unknownFields, tally)
      let at = Number(resume(split) ?? 0)
      while (!signal.aborted) {
        const page = await fetchPage(records, at, page_size, signal)
        if (page.length === 0) return
        const rows: Row[] = []
        const positions: number[] = []
        const taken: Record<string, unknown>[] = []
        const bad: BadRecord[] = []
        for (const [i, record] of page.entries()) {
          const made = toRow(record)
          // A record that does not fit the declared schema is no error of the system: it goes where the spec's
          // `on_error` says.
          if (Array.isArray(made)) bad.push({ position: at + i, bytes: bytesOf(record), ...made[0]! })
          else {
            rows.push(made)
            positions.push(at + i)
            taken.push(record)
          }
        }
        at += page.length
        yield batch({
          split,
          rows,
          bad,
          position: at,
          positionAt: (i) => positions[i]!,
          rawAt: (i) => bytesOf(taken[i]!),
          ...unknownOf(tally),
        })
      }
    },
  }),
  decoder(_options, { schema, unknownFields }) {
    const toRow = rowFromJson(schema, unknownFields)
    return (bytes) => {
      const made = toRow(JSON.parse(Buffer.from(bytes).toString('utf8')) as Record<string, unknown>)
      if (!Array.isArray(made)) return made
      const { code, message, field } = made[0]!
      throw new DataError(code, message, field)
    }
  },
})

/** The bytes of a record. Where your system hands out bytes or text, give those as they came. */
function bytesOf(record: Record<string, unknown>): Buffer {
  return Buffer.from(JSON.stringify(record))
}
