/** From the natural types of a stream to the schema of the source that reads it. */
import {
  assignable,
  DataError,
  type Field,
  fieldText,
  fromJson,
  type Problem,
  type RecordType,
  type Row,
  type Type,
  typeText,
  unitsPerMs,
} from '@millrace/core'
import type { Generator, StreamField } from './generator.ts'
import { naturalField } from './natural.ts'
import type { FullField } from './options.ts'

/** Whether drawn values of a natural type can be values of the schema's type. */
function fits(from: Type, to: Type): boolean {
  if (assignable({ type: from, optional: false }, { type: to, optional: false })) return true
  const isNumber = from.kind === 'integer' || from.kind === 'number'
  return (
    (isNumber && to.kind === 'decimal') ||
    (from.kind === 'integer' && to.kind === 'bigint') ||
    (from.kind === 'timestamp' && to.kind === 'fine_timestamp')
  )
}

/**
 * A natural value in the form of the schema's type. What is drawn has its form in memory; constants are as written, and
 * are read as JSON is, so that `value: 2026-01-31` may be a date.
 */
function converted(type: Type): (value: unknown) => unknown {
  const read = fromJson(type)
  const own = (convert: (value: unknown) => unknown, drawn: 'number' | 'bigint') => (value: unknown) =>
    value === null ? null : typeof value === drawn ? convert(value) : read(value)
  if (type.kind === 'timestamp') return own((ms) => ms, 'number')
  if (type.kind === 'fine_timestamp') return own((ms) => BigInt(ms as number) * unitsPerMs[type.precision], 'number')
  return own((value) => value, 'bigint')
}

/** The constants of a field, which decide whether it fits; undefined: its values are drawn. */
const constantsOf = (made: FullField): readonly (readonly [value: unknown, key: string])[] | undefined =>
  made.value === undefined ? made.one_of?.map((value) => [value, 'one_of'] as const) : [[made.value, 'value']]

/** A field, the field it refers to, and so on: the last one makes the values. */
function chainOf(generator: Generator, made: FullField): readonly FullField[] {
  const chain = [made]
  for (let at = made; at.of && chain.length <= generator.streams.size; ) {
    const { stream, field } = at.of
    const target = generator.streams.get(stream)?.find(({ name }) => name === field)
    if (!target) break
    at = target.made
    chain.push(at)
  }
  return chain
}

/** Makes rows of the schema from natural records of a stream. Throws `DataError` for a value that does not fit. */
export function rowMaker(fields: readonly StreamField[], schema: RecordType): (natural: Row) => Row {
  const columns = Object.entries(schema.fields).map(([name, { type }]) => ({
    name,
    convert: fields.some((field) => field.name === name) ? converted(type) : () => null,
  }))
  return (natural) => {
    const row: Row = {}
    for (const { name, convert } of columns) row[name] = convert(natural[name])
    return row
  }
}

/** What of a stream does not fit the schema of the source that reads it. */
export function columnProblems(
  generator: Generator,
  fields: readonly StreamField[],
  schema: RecordType,
): readonly Problem[] {
  const missing = Object.entries(schema.fields)
    .filter(([name, field]) => !field.optional && !fields.some((each) => each.name === name))
    .map(
      ([name, field]): Problem => ({
        code: 'missing_key',
        at: fields[0]?.path.slice(0, -1) ?? [],
        message: `the schema has a field \`${name}\`, which is not generated`,
        hint: `say how it is made, or make it optional: \`${name}: ${fieldText({ ...field, optional: true })}\``,
      }),
    )
  return [...missing, ...fields.flatMap((field) => fieldProblems(generator, field, schema))]
}

function fieldProblems(generator: Generator, { name, made, path }: StreamField, schema: RecordType): Problem[] {
  const natural = naturalField(generator, made)
  const to = Object.hasOwn(schema.fields, name) ? schema.fields[name] : undefined
  if (!natural) return []
  if (!to)
    return [
      {
        code: 'unknown_field',
        at: path,
        key: true,
        message: `\`${name}\` is generated, but the schema has no such field`,
        hint: `add it to the schema: \`${name}: ${fieldText(natural)}\``,
      },
    ]
  const wrong = (message: string, key: string | undefined, hint?: string): Problem[] => [
    { code: 'wrong_type', at: key && made[key as 'value'] !== undefined ? [...path, key] : path, message, hint },
  ]
  const expected = `\`${name}\` is of type ${fieldText(to)}`
  const chain = chainOf(generator, made)
  const source = chain.at(-1)!
  const otherwise = chain.flatMap(({ when, else: value }) =>
    when === undefined ? [] : [[value ?? null, 'else'] as const],
  )
  for (const [value, key] of [...(constantsOf(source) ?? []), ...otherwise]) {
    if (value === null && !to.optional)
      return wrong(
        `${expected}, but may be null`,
        key,
        `make it optional in the schema: \`${name}: ${typeText(to.type)}?\``,
      )
    const why = value === null ? undefined : refusal(to, value)
    if (why) return wrong(`${expected}: ${why}`, key)
  }
  if (constantsOf(source)) return []
  const drawn = naturalField(generator, { ...source, when: undefined })!
  if (!fits(drawn.type, to.type))
    return wrong(
      `${expected}, but ${typeText(drawn.type)} is generated`,
      undefined,
      `declare it in the schema: \`${name}: ${fieldText(natural)}\``,
    )
  const why = rangeProblem(source, to)
  return why ? wrong(`${expected}: ${why}`, source === made ? (made.integer ? 'integer' : 'number') : undefined) : []
}

/** Why a constant is no value of the type; undefined: it is one. */
function refusal({ type }: Field, value: unknown): string | undefined {
  try {
    fromJson(type)(value)
    return undefined
  } catch (error) {
    if (error instanceof DataError) return error.message
    throw error
  }
}

/** Why a drawn number may not fit a decimal; undefined: it does. */
function rangeProblem({ integer, number }: FullField, to: Field): string | undefined {
  if (to.type.kind !== 'decimal') return undefined
  const range = integer ?? number
  if (!range) return undefined
  if (number && number.digits > to.type.scale)
    return `the numbers have ${number.digits} digits after the point, but it holds ${to.type.scale}`
  return refusal(to, Math.trunc(range.from)) ?? refusal(to, Math.trunc(range.to))
}
