/**
 * `join`: adds fields of another, bounded input to each record. The other side is read completely before the first
 * record, at every start, and kept in memory by key, with only the fields that are added. A null key matches nothing.
 * Each record matches at most one row, so none is multiplied: two rows with the same key are an error unless `take`
 * says which counts.
 */
import {
  compileKey,
  cutLoose,
  defineTransform,
  type Field,
  flat,
  MillraceError,
  option,
  type Problem,
  type Row,
  type SideInput,
} from '@millrace/core'
import { unchangedBut, withFields } from '../fields.ts'
import { type PickItem, pickOption } from '../pick.ts'
import { columnsWith, Passed, rowMaker } from '../rows.ts'
import { checkKeys, checkSide, type Matched, sideExtensions, sideFields, sourceTypeOf } from './side.ts'

const on = option.anyOf(
  [
    option.field('A field of both sides.'),
    option.list(option.field('A field of both sides.'), 'Fields of both sides.', { min: 1 }),
    option.map(
      option.text('A field of the other side.'),
      'Fields of the record and those of the other side: `{ ours: theirs }`.',
    ),
  ],
  'The fields that must be equal.',
  { example: { category_id: 'id' } },
)

const options = option.object({
  file: option.optional(
    option.path('A file with the other side: CSV, JSON lines, JSON, Parquet or Arrow, depending on its name.', {
      example: 'data/categories.csv',
    }),
  ),
  schema: option.optional(
    option.record('The schema of `file`.', { example: { fields: { id: 'integer', category_name: 'string' } } }),
  ),
  source: option.optional(
    option.text('The id of a bounded source of this spec, in place of `file`.', { example: 'categories' }),
  ),
  on,
  type: option.oneOf(
    ['inner', 'left'],
    '`inner` filters out records without a match; `left` keeps them, with null in the added fields.',
    { default: 'inner' },
  ),
  fields: option.optional(
    pickOption('The fields to add; default: all except those of `on`.', [{ category: 'category_name' }], 'text'),
  ),
  take: option.optional(
    option.oneOf(['first', 'last'], 'Which of several rows with the same key to use; without it they are an error.'),
  ),
  max_rows: option.integer('A larger side input stops the run before it fills the memory.', {
    tuning: true,
    default: 1_000_000,
    min: 1,
  }),
})

/** The only side input, by its name in the plan. */
const sideName = 'side'

const keyPairs = (
  given: string | readonly string[] | Readonly<Record<string, string>>,
): (readonly [ours: string, theirs: string])[] =>
  typeof given === 'string'
    ? [[given, given]]
    : Array.isArray(given)
      ? given.map((name) => [name, name] as const)
      : Object.entries(given)

export const join = defineTransform({
  kind: 'transform',
  type: 'join',
  summary: 'Adds fields of another, bounded input to each record, found by key.',
  oneForOne: ({ type }) => type === 'left',
  options,

  check({ file, schema, source }) {
    const problems: Problem[] = []
    if ((file === undefined) === (source === undefined))
      problems.push({
        code: 'missing_key',
        message: '`join` reads its other side from `file` or from `source`: set one of them',
        at: [],
      })
    else if (file !== undefined && !schema)
      problems.push({
        code: 'missing_key',
        message: '`schema` of the file is missing',
        at: [],
        hint: 'schema: { fields: { id: integer } }',
      })
    if (file !== undefined && !sourceTypeOf(file))
      problems.push({
        code: 'bad_value',
        message: `\`${file}\` does not indicate its format`,
        at: ['file'],
        expected: sideExtensions.map((extension) => `.${extension}`).join(', '),
      })
    return problems
  },

  sideInputs({ file, schema, source }): Readonly<Record<string, SideInput>> {
    if (source !== undefined) return { [sideName]: { source } }
    const type = file === undefined ? undefined : sourceTypeOf(file)
    return type && schema ? { [sideName]: { type, config: { path: file }, schema } } : {}
  },

  infer({ on, type, fields }, { input, sideInputs }) {
    const side = sideInputs[sideName]
    if (!side) return { problems: [] }
    const problems: Problem[] = []
    const pairs = keyPairs(on)
    checkKeys(pairs, on, input, side, problems)
    const added = sideFields(pairs, fields as readonly PickItem[] | undefined, side)
    checkSide(added, fields !== undefined, input, side, problems)
    const changes = new Map(
      added.map(({ to, field }): [string, Field] => [
        to,
        { type: field.type, optional: field.optional || type === 'left' },
      ]),
    )
    if (problems.length) return { problems }
    return { output: withFields(input, changes), problems, unchanged: unchangedBut(input) }
  },

  create({ on, type, fields, take, max_rows: maxRows, file, source }, { input, sideInputs, id }) {
    const side = sideInputs[sideName]!
    const pairs = keyPairs(on)
    const added = sideFields(pairs, fields as readonly PickItem[] | undefined, side)
    const ourKey = compileKey(
      input,
      pairs.map(([ours]) => ours),
    )
    const theirKey = compileKey(
      side,
      pairs.map(([, theirs]) => theirs),
    )
    const make = rowMaker(
      columnsWith(
        input,
        added.map(({ to }) => to),
      ),
      input,
      true,
    )
    const rows = new Map<string, readonly unknown[]>()
    const none = added.map(() => null)
    const named = file === undefined ? `source \`${source}\`` : file

    return {
      load(_, loaded) {
        for (const row of loaded) {
          const key = theirKey(row)
          if (key === undefined || (take === 'first' && rows.has(key))) continue
          if (take === undefined && rows.has(key))
            throw new MillraceError('duplicate_side_key', `${id}: ${named} has two rows with the key ${key}`, {
              hint: '`take: first` or `take: last` says which counts',
            })
          rows.set(flat(key), valuesOf(added, row))
          if (rows.size > maxRows)
            throw new MillraceError('side_too_large', `${id}: ${named} has more than ${maxRows} keys`, {
              hint: 'raise `max_rows` if they fit in memory',
            })
        }
      },
      apply(records) {
        const passed = new Passed(records.rows.length)
        for (let i = 0; i < records.rows.length; i++) {
          const row = records.rows[i]!
          const key = ourKey(row)
          const found = key === undefined ? undefined : rows.get(key)
          if (found || type === 'left') passed.add(make(row, found ?? none), i)
        }
        return passed.done()
      },
    }
  },
})

/** The values to add, in the order of the fields, copied so that they do not keep the file's buffers alive. */
const valuesOf = (added: readonly Matched[], row: Row): readonly unknown[] =>
  added.map(({ from }) => cutLoose(Object.hasOwn(row, from) ? (row[from] ?? null) : null))
