/**
 * Options as data: one value names an option's type, default, description and example; the check, help, docs, JSON
 * Schema and the static type come from it. An option is plain JSON Schema (2020-12, the part below) plus our `format`s,
 * so it can be printed as it is. What the user typed (`"10m"`) and what the program gets (600000) are two types:
 * `Static` is the second, made by `resolveOptions` in spec/options.ts.
 *
 * | format | typed | resolved |
 * |---|---|---|
 * | duration | `"1h30m"`, `"100ms"`, `"0s"` | ms |
 * | size | `"128MiB"`, `"10kB"` | bytes |
 * | percent | `"5 %"` | fraction, 0.05 |
 * | path | relative to the project folder | the same text; `env.resolve(path)` makes it absolute |
 * | secret | text with `${secret:name}` | `Secret` |
 * | field | the name of an input field, checked | the same text |
 * | expression | CEL, checked by the step | the same text |
 * | record | a schema: file path, or inline `{ fields }` | `RecordType` |
 *
 * Decision: docs/decisions/20261121-options-as-json-schema.md
 */
import type { RecordType } from '../schema/index.ts'

/** JSON Schema of one option; `T` is what the program gets. */
export interface OptionSchema<T = unknown> {
  readonly type?: 'string' | 'integer' | 'number' | 'boolean' | 'array' | 'object'
  readonly description?: string
  readonly default?: unknown
  readonly examples?: readonly unknown[]
  readonly enum?: readonly (string | number | boolean)[]
  readonly format?: 'duration' | 'size' | 'percent' | 'path' | 'secret' | 'field' | 'expression' | 'record'
  readonly pattern?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly items?: OptionSchema
  readonly minItems?: number
  readonly properties?: Readonly<Record<string, OptionSchema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | OptionSchema
  readonly anyOf?: readonly OptionSchema[]
  /** Marks an option that may be absent. Not part of the printed JSON Schema. */
  readonly optional?: boolean
  /**
   * It affects performance only, never results: an interrupted run may continue with a different value. Not part of the
   * printed JSON Schema.
   */
  readonly tuning?: boolean
  readonly '~static'?: T
}

/** What `create` gets for options of this schema. */
export type Static<S> = S extends OptionSchema<infer T> ? T : never

/** The value of a secret, which prints as `***` wherever it is written. */
export class Secret {
  readonly #value: string
  constructor(value: string) {
    this.#value = value
  }
  /** The value itself: for drivers, never for a log, an error or a plan. */
  reveal(): string {
    return this.#value
  }
  toString(): string {
    return '***'
  }
  toJSON(): string {
    return '***'
  }
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '***'
  }
}

interface OptionDetails<T> {
  default?: T
  /** As a user would type it. */
  example?: unknown
  /** See `OptionSchema.tuning`. */
  tuning?: boolean
}
const rest = (description: string, more?: OptionDetails<unknown>) => ({
  description,
  ...(more?.tuning ? { tuning: true } : {}),
  ...(more?.default === undefined ? {} : { default: more.default }),
  ...(more?.example === undefined ? {} : { examples: [more.example] }),
})

/**
 * Builders for options. Each takes a description in one sentence. An option without a default is required unless
 * wrapped in `option.optional`.
 */
export const option = {
  text: (
    description: string,
    more?: OptionDetails<string> & { pattern?: string; minLength?: number },
  ): OptionSchema<string> => ({
    type: 'string',
    ...rest(description, more),
    ...(more?.pattern ? { pattern: more.pattern } : {}),
    ...(more?.minLength ? { minLength: more.minLength } : {}),
  }),
  integer: (
    description: string,
    more?: OptionDetails<number> & { min?: number; max?: number },
  ): OptionSchema<number> => ({
    type: 'integer',
    ...rest(description, more),
    ...(more?.min === undefined ? {} : { minimum: more.min }),
    ...(more?.max === undefined ? {} : { maximum: more.max }),
  }),
  number: (
    description: string,
    more?: OptionDetails<number> & { min?: number; max?: number },
  ): OptionSchema<number> => ({
    type: 'number',
    ...rest(description, more),
    ...(more?.min === undefined ? {} : { minimum: more.min }),
    ...(more?.max === undefined ? {} : { maximum: more.max }),
  }),
  boolean: (description: string, more?: OptionDetails<boolean>): OptionSchema<boolean> => ({
    type: 'boolean',
    ...rest(description, more),
  }),
  oneOf: <const V extends string>(
    values: readonly V[],
    description: string,
    more?: OptionDetails<V>,
  ): OptionSchema<V> => ({
    type: 'string',
    enum: values,
    ...rest(description, more),
  }),
  /** `default` and `example` as written: `"10m"`. */
  duration: (description: string, more?: OptionDetails<string>): OptionSchema<number> => ({
    type: 'string',
    format: 'duration',
    ...rest(description, more),
  }),
  size: (description: string, more?: OptionDetails<string>): OptionSchema<number> => ({
    type: 'string',
    format: 'size',
    ...rest(description, more),
  }),
  percent: (description: string, more?: OptionDetails<string>): OptionSchema<number> => ({
    type: 'string',
    format: 'percent',
    ...rest(description, more),
  }),
  path: (description: string, more?: OptionDetails<string>): OptionSchema<string> => ({
    type: 'string',
    format: 'path',
    ...rest(description, more),
  }),
  secret: (description: string, more?: { example?: string; tuning?: boolean }): OptionSchema<Secret> => ({
    type: 'string',
    format: 'secret',
    ...rest(description, more),
  }),
  field: (description: string, more?: OptionDetails<string>): OptionSchema<string> => ({
    type: 'string',
    format: 'field',
    ...rest(description, more),
  }),
  expression: (description: string, more?: OptionDetails<string>): OptionSchema<string> => ({
    type: 'string',
    format: 'expression',
    ...rest(description, more),
  }),
  record: (description: string, more?: { example?: unknown }): OptionSchema<RecordType> => ({
    format: 'record',
    ...rest(description, more),
  }),
  list: <T>(
    items: OptionSchema<T>,
    description: string,
    more?: OptionDetails<T[]> & { min?: number },
  ): OptionSchema<T[]> => ({
    type: 'array',
    items: items as OptionSchema,
    ...rest(description, more),
    ...(more?.min === undefined ? {} : { minItems: more.min }),
  }),
  /** Arbitrary keys, with values of one schema. */
  map: <T>(
    values: OptionSchema<T>,
    description: string,
    more?: OptionDetails<Record<string, T>>,
  ): OptionSchema<Record<string, T>> => ({
    type: 'object',
    additionalProperties: values as OptionSchema,
    ...rest(description, more),
  }),
  /** `default: {}`: may be omitted; its properties then have their own defaults. */
  object: <P extends Readonly<Record<string, OptionSchema<any>>>>(
    properties: P,
    description = '',
    more?: { default?: Record<string, never>; tuning?: boolean },
  ): OptionSchema<{ [K in keyof P]: Static<P[K]> }> => {
    const required = Object.keys(properties).filter(
      (name) => properties[name]!.default === undefined && !properties[name]!.optional,
    )
    return {
      type: 'object',
      ...(description ? { description } : {}),
      ...more,
      properties,
      required,
      additionalProperties: false,
    }
  },
  anyOf: <S extends readonly OptionSchema<any>[]>(
    choices: S,
    description: string,
    more?: OptionDetails<unknown>,
  ): OptionSchema<Static<S[number]>> => ({
    anyOf: choices,
    ...rest(description, more),
  }),
  optional: <T>(schema: OptionSchema<T>): OptionSchema<T | undefined> =>
    ({ ...schema, optional: true }) as OptionSchema<T | undefined>,
}
