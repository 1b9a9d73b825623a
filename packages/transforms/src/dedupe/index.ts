/**
 * `dedupe`: passes the first of the records with the same key, as long as its key is remembered. A record with a
 * remembered key is filtered out and does not renew it.
 *
 * The key is the values of the fields in `by`, or the record's own id: a record that the writer of a stream appended
 * again, not knowing whether it had arrived, has the same id. If memory is kept separately for each split, `last`
 * counts in each.
 *
 * A key with a null part does not identify a record: `nulls` decides whether such records all pass (and are not
 * remembered), or are equal.
 */
import {
  compileKey,
  defineTransform,
  fieldReader,
  flat,
  isKeyType,
  type MemoryChange,
  option,
  printJson,
  type Problem,
  type RecordType,
  type Row,
  toJson,
  typeText,
} from '@millrace/core'
import { lookUp, nameTaken, typesOf, unchangedBut } from '../fields.ts'
import { Kept } from '../rows.ts'
import { splitReader } from '../splits.ts'
import { type Key, Recent } from './recent.ts'

const options = option.object({
  by: option.optional(
    option.anyOf(
      [option.field('A field.'), option.list(option.field('A field.'), 'Fields.', { min: 1 })],
      'The field or fields that identify a record. Default: the record id, so that a record that a stream contains twice passes once.',
      { example: ['InvoiceNo', 'StockCode'] },
    ),
  ),
  last: option.integer('How many passed records are remembered.', { min: 1, max: 10_000_000, example: 100_000 }),
  nulls: option.optional(
    option.oneOf(
      ['pass', 'equal'],
      'Records with null in a field of `by`: all `pass`, or null is `equal` to null. Needed if such a field is optional.',
    ),
  ),
})

type By = string | readonly string[] | undefined

const fieldsOf = (by: By): readonly string[] | undefined => (typeof by === 'string' ? [by] : by)

export const dedupe = defineTransform({
  kind: 'transform',
  type: 'dedupe',
  summary:
    'Passes the first of the records with the same key, and filters out those that follow while the key is remembered.',
  stateful: true,
  keeps: true,
  ordered: true,
  options,

  keyedBy: ({ by }) => fieldsOf(by),

  // With `nulls: pass`, a record without a key always passes.
  removesRepeats: ({ last, nulls }) => (nulls === 'pass' ? undefined : `within the last ${last} records that passed`),

  memory({ by }, { input, partitionedBy }) {
    const names = fieldsOf(by)
    return { by: names ? typesOf(input, inOrder(names)) : 'id', bySplit: partitionedBy !== undefined }
  },

  check({ by, nulls }) {
    if (by !== undefined || nulls === undefined) return []
    const message = '`nulls` applies to the fields of `by`, which is not set; every record has an id'
    return [{ code: 'missing_option', message, at: ['nulls'], key: true, hint: 'remove it' }]
  },

  infer({ by, nulls }, { input }) {
    const problems: Problem[] = []
    const names = fieldsOf(by) ?? []
    for (const [i, name] of names.entries()) {
      const at = typeof by === 'string' ? ['by'] : ['by', i]
      const field = lookUp(input, name, at, problems)
      if (names.indexOf(name) !== i)
        problems.push({ ...nameTaken(name, at), message: `\`${name}\` is listed twice`, hint: 'remove one of them' })
      if (!field) continue
      if (!isKeyType(field.type))
        problems.push({
          code: 'wrong_type',
          message: `\`${name}\` cannot be part of a key`,
          at,
          expected: 'a single value',
          got: typeText(field.type),
        })
      else if (field.optional && nulls === undefined)
        problems.push({
          code: 'maybe_null',
          message: `\`${name}\` may be null: are records without it the same?`,
          at,
          hint: '`nulls: pass` lets them all pass; `nulls: equal` lets the first pass',
        })
    }
    return { output: input, problems, unchanged: unchangedBut(input) }
  },

  create({ by, last, nulls }, { input, partitionedBy }) {
    const names = fieldsOf(by)
    const keyOf = names && keyReader(input, inOrder(names), nulls === 'equal')
    // A key of several fields was made for this; any other may be a slice of a larger text.
    const kept = names && names.length > 1 ? (key: string) => key : flat
    const memory = new Map<string, Recent>()
    const recentOf = (split: string): Recent => {
      let recent = memory.get(split)
      if (!recent) memory.set(split, (recent = new Recent(last)))
      return recent
    }
    return {
      apply(records) {
        const { rows } = records
        const ids = keyOf ? undefined : records.ids()
        const splitOf = partitionedBy && splitReader(records)
        const passing = new Kept(rows)
        const one = splitOf ? undefined : recentOf('')
        for (let i = 0; i < rows.length; i++) {
          const key = ids ? ids[i]! : keyOf!(rows[i]!)
          if (key !== undefined) {
            const recent = one ?? recentOf(splitOf!(i))
            if (recent.has(key)) continue
            recent.add(key === null ? null : kept(key))
          }
          passing.keep(i)
        }
        return passing.done()
      },
      takeChanges: () =>
        [...memory].flatMap(([split, recent]) =>
          recent
            .cut()
            .map(
              ([block, text]): MemoryChange =>
                partitionedBy ? [`${block}/${split}`, text, split] : [String(block), text],
            ),
        ),
      changeCount() {
        let n = 0
        for (const recent of memory.values()) n += recent.changes()
        return n
      },
      restore(saved) {
        const blocks = [...saved.entries()].map(
          ([key, text, split = '']) => [split, [Number.parseInt(key, 10), text]] as const,
        )
        for (const [split, own] of Map.groupBy(blocks, ([split]) => split))
          recentOf(split).restore(own.map(([, block]) => block))
      },
    }
  },
})

/** The order of the fields does not matter. */
const inOrder = (names: readonly string[]): readonly string[] => names.toSorted()

/** Reads the key of a row; undefined: it has none. With `nulls: equal`, null is an ordinary value. */
function keyReader(input: RecordType, names: readonly string[], nulls: boolean): (row: Row) => Key | undefined {
  const whole = compileKey(input, names)
  if (!nulls) return whole
  if (names.length === 1) return (row) => whole(row) ?? null
  const parts = names.map((name) => ({ read: fieldReader(name), json: toJson(input.fields[name]!.type) }))
  return (row) => whole(row) ?? printJson(parts.map(({ read, json }) => json(read(row))))
}
