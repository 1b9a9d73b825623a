/**
 * `explode`: one record for each item of a list. The items' field replaces the list. A record whose list is empty or
 * null produces none, and counts as filtered in the balance of a run.
 */
import {
  defineTransform,
  type Field,
  fieldReader,
  option,
  type Problem,
  type RecordType,
  type Row,
  typeText,
} from '@millrace/core'
import { badName, lookUp, nameTaken, recordOf, unchangedBut } from './fields.ts'
import { type Column, rowMaker } from './rows.ts'

const options = option.anyOf(
  [
    option.field('The list.'),
    option.object({
      field: option.field('The list.', { example: 'lines' }),
      as: option.optional(
        option.text('The name of the item in each record; without it, the name of the list.', { example: 'line' }),
      ),
      index: option.optional(
        option.text('The name of a field for the index of the item in its list, from 0.', { example: 'line_no' }),
      ),
    }),
  ],
  'The list, and the name of its items.',
  { example: { field: 'lines', as: 'line', index: 'line_no' } },
)

type ExplodeConfig =
  | string
  | { readonly field: string; readonly as?: string | undefined; readonly index?: string | undefined }

function namesOf(config: ExplodeConfig): { field: string; as: string; index: string | undefined } {
  if (typeof config === 'string') return { field: config, as: config, index: undefined }
  return { field: config.field, as: config.as ?? config.field, index: config.index }
}

export const explode = defineTransform({
  kind: 'transform',
  type: 'explode',
  summary: 'Makes one record from each item of a list; a record with an empty or absent list is filtered out.',
  multiplies: true,
  options,

  infer(config, { input }) {
    const { field, as, index } = namesOf(config)
    const problems: Problem[] = []
    const place = typeof config === 'string' ? [] : ['field']
    const list = lookUp(input, field, place, problems)
    if (list && list.type.kind !== 'list')
      problems.push({
        code: 'wrong_type',
        message: `\`${field}\` is not a list`,
        at: place,
        expected: 'a list',
        got: typeText(list.type),
      })
    for (const [option, name] of [
      ['as', as],
      ['index', index],
    ] as const) {
      if (name === undefined) continue
      const bad = badName(name, [option])
      if (bad) problems.push(bad)
      else if ((name !== field && Object.hasOwn(input.fields, name)) || (option === 'index' && name === as))
        problems.push(nameTaken(name, [option]))
    }
    if (list?.type.kind !== 'list') return { problems }
    const output = outputOf(input, namesOf(config), list.type.of)
    return { output, problems, unchanged: unchangedBut(input, [field]) }
  },

  create(config, { input }) {
    const { field, as, index } = namesOf(config)
    const columns = Object.keys(input.fields).map((name): Column => (name === field ? [as, 0] : [name, name]))
    if (index !== undefined) columns.push([index, 1])
    const make = rowMaker(columns, input, true)
    const read = fieldReader(field)
    return {
      apply({ rows }) {
        const made: Row[] = []
        const origins: number[] = []
        const values: unknown[] = [null, 0]
        for (let i = 0; i < rows.length; i++) {
          const row = rows[i]!
          const list = read(row) as readonly unknown[] | null
          if (!list) continue
          for (let n = 0; n < list.length; n++) {
            values[0] = list[n] ?? null
            values[1] = n
            made.push(make(row, values))
            origins.push(i)
          }
        }
        return { rows: made, origins: Int32Array.from(origins) }
      },
    }
  },
})

function outputOf(
  input: RecordType,
  names: { field: string; as: string; index: string | undefined },
  item: Field,
): RecordType {
  const fields = Object.entries(input.fields).map(([name, field]) =>
    name === names.field ? ([names.as, item] as const) : ([name, field] as const),
  )
  if (names.index !== undefined) fields.push([names.index, { type: { kind: 'integer' }, optional: false }])
  return recordOf(fields, input.open)
}
