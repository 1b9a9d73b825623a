/**
 * `set`: fields computed by expressions, or constants. Every expression sees the input record, so their order does not
 * matter. An existing field keeps its place; a new one comes after the others.
 */
import {
  DataError,
  defineTransform,
  type Expression,
  type Field,
  fromJson,
  option,
  parseType,
  type Problem,
  type RecordType,
  type Row,
  type Type,
} from '@millrace/core'
import { evaluator, expressionAt, failFor } from './expressions.ts'
import { badName, unchangedBut, withFields } from './fields.ts'
import { columnsWith, Passed, rowMaker } from './rows.ts'

const options = option.map(
  option.anyOf(
    [
      option.expression('An expression over the fields of the record.'),
      option.object({
        value: option.any('A constant; text is text, whole numbers are integers, maps and lists are json.'),
        type: option.optional(option.text('Its type, if it is not that of the constant.', { example: 'date' })),
      }),
    ],
    'An expression, or a constant as `{ value: x }`.',
  ),
  'Fields and their values.',
  { example: { total: 'Quantity * UnitPrice', channel: { value: 'retail' } } },
)

type Value = string | { readonly value: unknown; readonly type?: string | undefined }

export const set = defineTransform({
  kind: 'transform',
  type: 'set',
  summary: 'Sets fields to the values of expressions, or to constants.',
  oneForOne: true,
  options,

  infer(config, { input }) {
    const problems: Problem[] = []
    const changes = new Map<string, Field>()
    for (const [name, given] of Object.entries(config)) {
      const bad = badName(name, [name], true)
      if (bad) problems.push(bad)
      const value = given as Value
      const field =
        typeof value === 'string' ? computed(value, name, input, problems) : constantField(value, name, problems)
      changes.set(name, field ?? { type: { kind: 'json' }, optional: true })
    }
    if (problems.length) return { problems }
    return { output: withFields(input, changes), problems, unchanged: unchangedBut(input, Object.keys(config)) }
  },

  create(config, { input }) {
    const names = Object.keys(config)
    const evaluates = names.map((name): Expression['evaluate'] => {
      const value = config[name] as Value
      if (typeof value === 'string') return evaluator(value, input)
      const constant = fromJson(constantType(value)!)(value.value)
      return () => constant
    })
    const make = rowMaker(columnsWith(input, names), input, true)
    const values = new Array<unknown>(names.length)
    return {
      apply({ rows }, out) {
        const passed = new Passed(rows.length)
        for (let i = 0; i < rows.length; i++) {
          const row: Row = rows[i]!
          let k = 0
          try {
            for (; k < values.length; k++) values[k] = evaluates[k]!(row)
          } catch (error) {
            failFor(error, out, i, names[k])
            continue
          }
          passed.add(make(row, values), i)
        }
        return passed.done()
      },
    }
  },
})

function computed(text: string, name: string, input: RecordType, problems: Problem[]): Field | undefined {
  const compiled = expressionAt(text, input, [name], problems)
  return compiled && { type: compiled.type, optional: compiled.optional }
}

function constantField(given: Exclude<Value, string>, name: string, problems: Problem[]): Field | undefined {
  const type = constantType(given)
  if (!type) {
    const known = given.type === undefined
    problems.push(
      known
        ? {
            code: 'bad_value',
            message: `the constant of \`${name}\` is empty`,
            at: [name, 'value'],
            hint: 'put text in quotes',
          }
        : { code: 'bad_type', message: `\`${given.type}\` is not a type`, at: [name, 'type'] },
    )
    return undefined
  }
  try {
    fromJson(type)(given.value)
    return { type, optional: false }
  } catch (error) {
    if (!(error instanceof DataError)) throw error
    problems.push({ code: 'wrong_type', message: `the constant of \`${name}\`: ${error.message}`, at: [name, 'value'] })
    return undefined
  }
}

/** The type that was set, or that of the constant; undefined: there is none. */
function constantType({ value, type }: Exclude<Value, string>): Type | undefined {
  if (type !== undefined) return parseType(type)?.type
  if (typeof value === 'string') return { kind: 'string' }
  if (typeof value === 'boolean') return { kind: 'boolean' }
  if (typeof value === 'number') return { kind: Number.isSafeInteger(value) ? 'integer' : 'number' }
  return value === null || value === undefined ? undefined : { kind: 'json' }
}
