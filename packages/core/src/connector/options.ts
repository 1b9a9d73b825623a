/**
 * Options as data: one value names an option's type, default, description and example; the check, help, docs, JSON
 * Schema and the static type come from it. An option is plain JSON Schema (2020-12, the part below) plus our `format`s,
 * so it can be printed as it is. What the user typed (`"10m"`) and what the program gets (600000) are two types:
 * `Static` is the second, made by `resolveOptions` in spec/options.ts.
 *
 * To TypeBox such a value is `Type.Unsafe<T>({...})`: both kinds may be nested in each other, and `define...` reads
 * both (typebox.ts). Only types are imported from it, since its modules take longer to load than most checks.
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
import type { Static as StaticOf, TSchema, TUnsafe } from 'typebox'
import type { RecordType } from '../schema/index.ts'

/** What an option can be in JSON Schema. */
export const optionTypes = ['string', 'integer', 'number', 'boolean', 'array', 'object'] as const

/** The formats of the table above. */
export const optionFormats = [
  'duration',
  'size',
  'percent',
  'path',
  'url',
  'secret',
  'field',
  'expression',
  'record',
] as const

/** JSON Schema of one option, as the check reads it. */
export interface OptionSchema {
  readonly type?: (typeof optionTypes)[number]
  readonly description?: string
  readonly default?: unknown
  readonly examples?: readonly unknown[]
  readonly enum?: readonly (string | number | boolean)[]
  readonly format?: (typeof optionFormats)[number]
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
  /** Marks an option that may be absent, as TypeBox does. Not part of the printed JSON Schema. */
  readonly '~optional'?: true
  /**
   * It affects performance only, never results: an interrupted run may continue with a different value. Not part of the
   * printed JSON Schema.
   */
  readonly tuning?: boolean
}

/** An option as declared; `T` is what the program gets. */
export interface Option<T = unknown> extends OptionSchema, TUnsafe<T> {}

/** What `create` gets for options of this schema. */
export type Static<S extends TSchema> = S extends TUnsafe<infer T> ? T : StaticOf<S>

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

const made = <T>(rules: OptionSchema, description: string | undefined, more?: OptionDetails<unknown>): Option<T> =>
  ({
    ...rules,
    description,
    tuning: more?.tuning,
    default: more?.default,
    examples: more?.example === undefined ? undefined : [more.example],
  }) as Option<T>

const isRequired = ({ default: fallback, '~optional': isOptional }: OptionSchema): boolean =>
  fallback === undefined && !isOptional

/**
 * Builders for options. Each takes a description in one sentence. An option without a default is required unless
 * wrapped in `option.optional`.
 */
export const option = {
  text: (description: string, more?: OptionDetails<string> & { pattern?: string; minLength?: number }) =>
    made<string>({ type: 'string', pattern: more?.pattern, minLength: more?.minLength }, description, more),
  integer: (description: string, more?: OptionDetails<number> & { min?: number; max?: number }) =>
    made<number>({ type: 'integer', minimum: more?.min, maximum: more?.max }, description, more),
  number: (description: string, more?: OptionDetails<number> & { min?: number; max?: number }) =>
    made<number>({ type: 'number', minimum: more?.min, maximum: more?.max }, description, more),
  boolean: (description: string, more?: OptionDetails<boolean>) =>
    made<boolean>({ type: 'boolean' }, description, more),
  oneOf: <const V extends string>(values: readonly V[], description: string, more?: OptionDetails<V>) =>
    made<V>({ type: 'string', enum: values }, description, more),
  /** `default` and `example` as written: `"10m"`. */
  duration: (description: string, more?: OptionDetails<string>) =>
    made<number>({ type: 'string', format: 'duration' }, description, more),
  size: (description: string, more?: OptionDetails<string>) =>
    made<number>({ type: 'string', format: 'size' }, description, more),
  percent: (description: string, more?: OptionDetails<string>) =>
    made<number>({ type: 'string', format: 'percent' }, description, more),
  path: (description: string, more?: OptionDetails<string>) =>
    made<string>({ type: 'string', format: 'path' }, description, more),
  /** An address. `pattern`: which schemes it may have. */
  url: (description: string, more?: OptionDetails<string> & { pattern?: string }) =>
    made<string>({ type: 'string', format: 'url', pattern: more?.pattern }, description, more),
  secret: (description: string, more?: { example?: string; tuning?: boolean }) =>
    made<Secret>({ type: 'string', format: 'secret' }, description, more),
  field: (description: string, more?: OptionDetails<string>) =>
    made<string>({ type: 'string', format: 'field' }, description, more),
  expression: (description: string, more?: OptionDetails<string>) =>
    made<string>({ type: 'string', format: 'expression' }, description, more),
  record: (description: string, more?: { example?: unknown }) =>
    made<RecordType>({ format: 'record' }, description, more),
  /** A value of any shape that YAML can write. */
  any: (description: string) => made<unknown>({}, description),
  list: <S extends TSchema>(
    items: S,
    description: string,
    more?: OptionDetails<Static<S>[]> & { min?: number },
  ): Option<Static<S>[]> =>
    made({ type: 'array', items: items as OptionSchema, minItems: more?.min }, description, more),
  /** Arbitrary keys, with values of one schema. */
  map: <S extends TSchema>(
    values: S,
    description: string,
    more?: OptionDetails<Record<string, Static<S>>>,
  ): Option<Record<string, Static<S>>> =>
    made({ type: 'object', additionalProperties: values as OptionSchema }, description, more),
  /** `default: {}`: may be omitted; its properties then have their own defaults. */
  object: <P extends Readonly<Record<string, TSchema>>>(
    properties: P,
    description?: string,
    more?: { default?: Record<string, never>; tuning?: boolean },
  ): Option<{ [K in keyof P]: Static<P[K]> }> => {
    const all = properties as Readonly<Record<string, OptionSchema>>
    const required = Object.keys(all).filter((name) => isRequired(all[name]!))
    return made({ type: 'object', properties: all, required, additionalProperties: false }, description, more)
  },
  anyOf: <S extends readonly TSchema[]>(
    choices: S,
    description: string,
    more?: OptionDetails<unknown>,
  ): Option<Static<S[number]>> => made({ anyOf: choices as readonly OptionSchema[] }, description, more),
  optional: <T>(schema: Option<T>) =>
    ({ ...schema, '~optional': true }) as Option<T | undefined> & { '~optional': true },
}
