/**
 * `dedupe`: of records with the same key the first passes, as long as its key is remembered.
 *
 * What is remembered are the keys of the last `last` records that passed. They are numbered; a ring holds them by number, so the key that goes is the one whose
 * place the new one takes. A record with a remembered key is left out and does not renew it. Keys are saved in blocks of 100 by their numbers, each
 * `[first number, key, key, ...]`: a save then writes few rows, and forgets a block when all its keys are gone.
 *
 * A key with a null part says nothing about which record it is: `nulls` tells whether such records all pass (and are not remembered), or are equal.
 */
import {
  compileKey,
  defineTransform,
  isKeyType,
  option,
  type Problem,
  type RecordType,
  type Row,
  toJson,
  typeText,
} from '@millrace/core'
import { lookUp, nameTaken } from './fields.ts'
import { flat } from './flat.ts'
import { Kept } from './rows.ts'

const options = option.object({
  by: option.anyOf(
    [option.field('A field.'), option.list(option.field('A field.'), 'Fields.', { min: 1 })],
    'The field or fields whose values make two records the same.',
    { example: ['InvoiceNo', 'StockCode'] },
  ),
  last: option.integer('How many records that passed are remembered.', { min: 1, max: 10_000_000, example: 100_000 }),
  nulls: option.optional(
    option.oneOf(
      ['pass', 'equal'],
      'Records with null in a field of `by`: all `pass`, or null is `equal` to null. Needed where such a field is optional.',
    ),
  ),
})

/** Small, since a block that is not full yet is written again by every save. */
const blockSize = 100

const fieldsOf = (by: string | readonly string[]): readonly string[] => (typeof by === 'string' ? [by] : by)

export const dedupe = defineTransform({
  kind: 'transform',
  type: 'dedupe',
  summary:
    'Lets the first of records with the same key pass, and filters out those that follow while the key is remembered.',
  stateful: true,
  keeps: true,
  options,

  infer({ by, nulls }, { input }) {
    const problems: Problem[] = []
    const names = fieldsOf(by)
    for (const [i, name] of names.entries()) {
      const at = typeof by === 'string' ? ['by'] : ['by', i]
      const field = lookUp(input, name, at, problems)
      if (names.indexOf(name) !== i)
        problems.push({ ...nameTaken(name, at), message: `\`${name}\` is named twice`, hint: 'remove one of them' })
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
          message: `\`${name}\` may be null, and it is not said whether records without it are the same`,
          at,
          hint: '`nulls: pass` lets them all pass; `nulls: equal` lets the first pass',
        })
    }
    return { output: input, problems }
  },

  create({ by, last, nulls }, { input }) {
    const names = fieldsOf(by)
    const keyOf = nulls === 'equal' ? keyWithNulls(input, names) : compileKey(input, names)
    // The key of one field may be a piece of a larger text; any other was made for this.
    const kept = names.length === 1 ? flat : (key: string) => key
    const remembered = new Set<string>()
    let ring: string[] = []
    let next = 0
    /** The first number that is not saved yet, and the first block that is. */
    let unsaved = 0
    let firstBlock = 0

    const remember = (key: string): void => {
      const place = next % last
      const oldest = ring[place]
      if (oldest !== undefined) remembered.delete(oldest)
      remembered.add(key)
      ring[place] = key
      next++
    }

    return {
      apply({ rows }) {
        const passing = new Kept(rows)
        for (let i = 0; i < rows.length; i++) {
          const key = keyOf(rows[i]!)
          if (key !== undefined) {
            if (remembered.has(key)) continue
            remember(kept(key))
          }
          passing.keep(i)
        }
        return passing.done()
      },
      cut() {
        const entries: (readonly [block: string, keys: string | null])[] = []
        const oldest = Math.max(0, next - last)
        const oldestBlock = Math.floor(oldest / blockSize)
        for (let b = firstBlock; b < oldestBlock && b * blockSize < unsaved; b++) entries.push([String(b), null])
        firstBlock = oldestBlock
        for (
          let b = Math.max(oldestBlock, Math.floor(unsaved / blockSize));
          unsaved < next && b * blockSize < next;
          b++
        ) {
          const from = Math.max(oldest, b * blockSize)
          const keys = Array.from(
            { length: Math.min(next, (b + 1) * blockSize) - from },
            (_, i) => ring[(from + i) % last]!,
          )
          entries.push([String(b), JSON.stringify([from, ...keys])])
        }
        unsaved = next
        return entries
      },
      restore(saved) {
        const blocks = [...saved.entries()].map(([block, text]) => {
          const [from, ...keys] = JSON.parse(text) as [number, ...string[]]
          return { block: Number(block), from, keys }
        })
        for (const { from, keys } of blocks) unsaved = next = Math.max(next, from + keys.length)
        firstBlock = blocks.reduce((least, { block }) => Math.min(least, block), Math.floor(next / blockSize))
        ring = new Array<string>(Math.min(next, last))
        for (const { from, keys } of blocks) {
          for (const [i, key] of keys.entries()) {
            if (from + i < next - last) continue
            remembered.add(key)
            ring[(from + i) % last] = key
          }
        }
      },
    }
  },
})

/** The key as a JSON array in which null is a value like any other. */
function keyWithNulls(input: RecordType, names: readonly string[]): (row: Row) => string {
  const parts = names.map((name) => ({ name, json: toJson(input.fields[name]!.type) }))
  return (row) => JSON.stringify(parts.map(({ name, json }) => json(row[name])))
}
