/**
 * The JSON Schema (2020-12) of a spec with the available connectors, for completion and validation in editors. The
 * check covers more than a schema can express.
 */
import type { OptionSchema } from '../connector/options.ts'
import type { Registry } from '../registry/index.ts'
import { plainTypes } from '../schema/index.ts'
import {
  bindingShape,
  deadLetterShape,
  kinds,
  type Shape,
  sinkShape,
  sourceShape,
  specShape,
  stepShape,
  varShape,
} from './shape.ts'

type JsonSchema = Readonly<Record<string, unknown>>

/** For `pipe schema print`. */
export function specJsonSchema(registry: Registry): JsonSchema {
  const of = (kind: 'source' | 'sink' | 'transform') =>
    registry.all.map(({ definition }) => definition).filter((definition) => definition.kind === kind)
  const source = endpointSchema(sourceShape, of('source'))
  const sink = endpointSchema(sinkShape, of('sink'))
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Millrace pipeline',
    ...objectSchema(specShape, {
      vars: mapOf({ anyOf: [objectSchema(varShape), { type: ['string', 'number', 'boolean'] }] }),
      connections: mapOf({ anyOf: [{ enum: kinds }, objectSchema(bindingShape)] }),
      source: { $ref: '#/$defs/source' },
      sources: mapOf({ $ref: '#/$defs/source' }),
      steps: { type: 'array', items: { $ref: '#/$defs/step' } },
      sinks: mapOf({ $ref: '#/$defs/sink' }),
      dead_letter: endpointSchema(deadLetterShape, of('sink')),
    }),
    $defs: {
      source,
      sink,
      step: {
        anyOf: of('transform').map((definition) => stepSchema(definition.type, definition.summary, definition.options)),
      },
      record: {
        anyOf: [
          { type: 'string', description: 'A schema file, relative to the project folder.' },
          { type: 'object', properties: { fields: mapOf({ $ref: '#/$defs/field' }) } },
        ],
      },
      field: {
        anyOf: [
          { enum: plainTypes.flatMap((word) => [word, `${word}?`]) },
          { type: 'string', pattern: '^(decimal\\(\\d+, ?\\d+\\)|list<.+>)\\??$' },
          {
            type: 'object',
            properties: {
              fields: mapOf({ $ref: '#/$defs/field' }),
              list: { $ref: '#/$defs/field' },
              type: { type: 'string' },
              optional: { type: 'boolean' },
              description: { type: 'string' },
            },
          },
        ],
      },
    },
  }
}

/** A map with any keys. */
export const mapOf = (values: JsonSchema): JsonSchema => ({ type: 'object', additionalProperties: values })

/** A map with the keys of a shape. `parts`: schemas of keys whose shape is defined elsewhere. */
export function objectSchema(shape: Shape, parts: Readonly<Record<string, JsonSchema>> = {}): JsonSchema {
  const required = Object.entries(shape).filter(([, option]) => !option['~optional'] && option.default === undefined)
  return {
    type: 'object',
    properties: Object.fromEntries(
      Object.entries(shape).map(([key, option]) => [
        key,
        parts[key] ? { ...parts[key], description: option.description } : optionJsonSchema(option),
      ]),
    ),
    ...(required.length > 0 ? { required: required.map(([key]) => key) } : {}),
    additionalProperties: false,
  }
}

interface Described {
  readonly type: string
  readonly summary: string
  readonly options: OptionSchema
}

/**
 * The config depends on the type. Under a connection the profile supplies part of it, so options are only required if
 * there is a type.
 */
function endpointSchema(shape: Shape, definitions: readonly Described[]): JsonSchema {
  return {
    ...objectSchema(shape, {
      type: {
        anyOf: [
          ...definitions.map(({ type, summary }) => ({ const: type, description: summary })),
          { const: null },
          { type: 'string' },
        ],
      },
      config: { type: 'object' },
    }),
    allOf: definitions.map(({ type, options }) => ({
      if: { properties: { type: { const: type } }, required: ['type'] },
      then: { properties: { config: optionJsonSchema(options) } },
    })),
  }
}

function stepSchema(verb: string, summary: string, options: OptionSchema): JsonSchema {
  const { properties } = objectSchema(stepShape) as { readonly properties: JsonSchema }
  const own = options.properties?.['window']
  const window = own ? { window: optionJsonSchema(own) } : {}
  return {
    type: 'object',
    properties: { ...properties, [verb]: { ...optionJsonSchema(options), description: summary }, ...window },
    required: [verb],
    additionalProperties: false,
  }
}

/** An option as JSON Schema. Anything that is not text may also be written as one interpolation. */
export function optionJsonSchema(option: OptionSchema): JsonSchema {
  const {
    '~optional': _,
    tuning: _t,
    format,
    properties,
    items,
    additionalProperties,
    anyOf,
    required,
    ...rest
  } = option
  const described = rest.description === undefined ? {} : { description: rest.description }
  if (format === 'record') return { $ref: '#/$defs/record', ...described }
  if (format === 'expression') return { ...rest, type: ['string', 'number', 'boolean'] }
  if (anyOf) return { ...rest, anyOf: anyOf.map(optionJsonSchema) }
  if (rest.type === 'integer' || rest.type === 'number' || rest.type === 'boolean') {
    const { description: ___, ...bare } = rest
    return { ...described, anyOf: [bare, { type: 'string', pattern: '^\\$\\{.+\\}$' }] }
  }
  return {
    ...rest,
    ...(properties
      ? {
          properties: Object.fromEntries(
            Object.entries(properties).map(([key, each]) => [key, optionJsonSchema(each)]),
          ),
        }
      : {}),
    ...(items ? { items: optionJsonSchema(items) } : {}),
    ...(additionalProperties === undefined
      ? {}
      : {
          additionalProperties:
            typeof additionalProperties === 'object' ? optionJsonSchema(additionalProperties) : additionalProperties,
        }),
    ...(required && required.length > 0 ? { required } : {}),
  }
}
