/**
 * Converts a connector's options, built with `option` or TypeBox, to the options that the check reads. TypeBox makes
 * JSON Schema, and keeps what JSON Schema cannot express under hidden keys (`~optional`, `~codec`). Options are a
 * subset of JSON Schema: a rule beyond it is refused with its place, since dropping it would let through what its
 * author means to refuse.
 *
 * Decision: docs/decisions/20261201-typebox-values-by-type.md
 */
import { inspect } from 'node:util'
import type { TSchema } from 'typebox'
import { MillraceError } from '../errors/index.ts'
import { optionFormats, type OptionSchema, optionTypes } from './options.ts'

type Rule = (given: any, at: string) => Partial<OptionSchema> | undefined

const same =
  (key: string): Rule =>
  (given) => ({ [key]: given })
const only =
  (key: string, isRight: (given: unknown) => boolean): Rule =>
  (given) =>
    isRight(given) ? { [key]: given } : undefined
const number = (key: string): Rule => only(key, Number.isFinite)
const ignored: Rule = () => ({})

/** What each key becomes; undefined: an option cannot have it. */
const rules: Readonly<Record<string, Rule>> = {
  '~kind': ignored,
  '~unsafe': ignored,
  '~optional': ignored,
  '~readonly': ignored,
  $id: ignored,
  $schema: ignored,
  $comment: ignored,
  title: ignored,
  description: same('description'),
  default: same('default'),
  tuning: same('tuning'),
  examples: only('examples', Array.isArray),
  type: only('type', (type) => optionTypes.includes(type as 'string')),
  format: only('format', (format) => optionFormats.includes(format as 'path')),
  minimum: number('minimum'),
  maximum: number('maximum'),
  minLength: number('minLength'),
  minItems: number('minItems'),
  pattern: (pattern: string | RegExp) =>
    typeof pattern === 'string' ? { pattern } : pattern.flags === '' ? { pattern: pattern.source } : undefined,
  const: (value) => valuesOf([value]),
  enum: (values) => valuesOf(values),
  items: (items, at) => (Array.isArray(items) ? undefined : { items: toOption(items, `${at}[]`) }),
  properties: (properties, at) => ({
    properties: Object.fromEntries(
      Object.entries(properties as object).map(([name, each]) => [name, toOption(each, at ? `${at}.${name}` : name)]),
    ),
  }),
  required: only('required', Array.isArray),
  additionalProperties: (values, at) => ({
    additionalProperties: typeof values === 'boolean' ? values : toOption(values, at ? `${at}.*` : '*'),
  }),
  // `Type.Record(Type.String(), ...)`.
  patternProperties: (values, at) =>
    Object.keys(values as object).join() === '^.*$' ? rules['additionalProperties']!(values['^.*$'], at) : undefined,
  anyOf: (choices: readonly TSchema[], at) => {
    const made = choices.map((choice) => toOption(choice, at))
    // `Type.Union([Type.Literal('a'), Type.Literal('b')])` is one option with two values.
    const isOne = made.every((choice) => choice.enum && !choice.description)
    return (isOne && valuesOf(made.flatMap((choice) => choice.enum!))) || { anyOf: made }
  },
}

/** Throws `connector_broken` for what an option cannot express. */
export function toOption(given: TSchema, at = ''): OptionSchema {
  const made: Record<string, unknown> = {}
  for (const key of Reflect.ownKeys(given) as string[]) {
    const value = (given as Readonly<Record<string, unknown>>)[key]
    if (value === undefined) continue
    const rule = Object.hasOwn(rules, key) ? rules[key]!(value, at) : undefined
    if (!rule) refuse(key, value, at)
    Object.assign(made, rule)
  }
  const { properties, required = [], additionalProperties } = made as Partial<OptionSchema>
  if (properties) {
    made['additionalProperties'] = additionalProperties ?? false
    made['required'] = required.filter((name) => properties[name]?.default === undefined)
  }
  return made as unknown as OptionSchema
}

/** Values of one type, and that type. */
function valuesOf(values: readonly unknown[]): Partial<OptionSchema> | undefined {
  const type = typeof values[0]
  const isRight =
    optionTypes.includes(type as 'string') && type !== 'object' && values.every((value) => typeof value === type)
  return isRight ? ({ type, enum: values } as Partial<OptionSchema>) : undefined
}

function refuse(key: string, value: unknown, at: string): never {
  const what = key.startsWith('~') ? key.slice(1) : `${key}: ${inspect(value, { breakLength: Infinity })}`
  throw new MillraceError(
    'connector_broken',
    `${at ? `the option \`${at}\`` : 'its options'} cannot have \`${what}\``,
    {
      hint: 'leave it out, and test the value in `check` of the definition',
    },
  )
}
