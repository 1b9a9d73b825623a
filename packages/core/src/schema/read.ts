/** Reads schemas. Users write the compact form or supply a JSON Schema. */
import type { Problem } from '../errors/index.ts'
import { type Field, parseType, plainTypes, type RecordType, type Type, typeText } from './type.ts'

/**
 * Reads a schema from a spec or a schema file. Compact form: `{ fields: { Quantity: integer, CustomerID: integer?,
 * tags: list<string>, rates: map<number>, address: { fields: {...} }, lines: { list: { fields: {...} } } } }`;
 * `optional: true` next to `fields`, `list` or `map` makes that field optional. Or a JSON Schema of an object. Returns
 * what could be read even if there are problems.
 */
export function parseRecordType(value: unknown): { type: RecordType; problems: readonly Problem[] } {
  const problems: Problem[] = []
  if (!isMap(value)) {
    problems.push({
      code: 'bad_schema',
      message: 'a schema must be a map with `fields`, or a JSON Schema of an object',
      at: [],
      got: describe(value),
    })
    return { type: { fields: {} }, problems }
  }
  const isCompact =
    Object.hasOwn(value, 'fields') ||
    !['$schema', 'properties', 'type', '$ref'].some((key) => Object.hasOwn(value, key))
  const type = isCompact
    ? readCompact(value, [], problems)
    : readJsonSchemaRecord(value, [], { root: value, problems, refs: [] })
  return { type, problems }
}

/** Whether something could not be read. Then only that is reported, and nothing of what would follow from the rest. */
export const isBroken = (problems: readonly Problem[]): boolean => problems.some(({ code }) => code.startsWith('bad_'))

const jsonField: Field = { type: { kind: 'json' }, optional: false }

type Path = readonly (string | number)[]
type JsonMap = Readonly<Record<string, unknown>>
const isMap = (value: unknown): value is JsonMap => typeof value === 'object' && value !== null && !Array.isArray(value)
const describe = (value: unknown): string =>
  value === null ? 'nothing' : Array.isArray(value) ? 'a list' : isMap(value) ? 'a map' : `\`${String(value)}\``

function checkName(name: string, at: Path, problems: Problem[]): boolean {
  if (name !== '' && name !== '__proto__') return true
  problems.push({
    code: 'bad_field_name',
    message: name ? 'a field cannot be named `__proto__`' : 'a field needs a name',
    at,
  })
  return false
}

function readCompact(value: JsonMap, at: Path, problems: Problem[]): RecordType {
  for (const key of Object.keys(value)) {
    if (!['fields', 'optional', 'description'].includes(key))
      problems.push({
        code: 'unknown_key',
        message: `unknown key \`${key}\` in a schema`,
        at: [...at, key],
        expected: 'fields',
      })
  }
  if (!isMap(value['fields'])) {
    const found = Object.hasOwn(value, 'fields')
    problems.push({
      code: 'bad_schema',
      message: '`fields` must be a map of names and types',
      at: found ? [...at, 'fields'] : at,
      hint: 'fields: { Quantity: integer }',
    })
    return { fields: {} }
  }
  const fields: [string, Field][] = []
  for (const [name, entry] of Object.entries(value['fields'])) {
    const path = [...at, 'fields', name]
    if (entry === null && cutByComma.test(name)) continue
    if (!checkName(name, path, problems)) continue
    const field = readCompactField(entry, path, problems)
    if (field) fields.push([name, field])
  }
  return { fields: Object.fromEntries(fields) }
}

/** What remains of `decimal(10,2)` after the comma; the finding is about the field before it. */
const cutByComma = /^\s*\d+\s*\)\??$/

function readCompactField(entry: unknown, at: Path, problems: Problem[]): Field | undefined {
  if (isMap(entry)) {
    const optional = entry['optional'] === true
    if (Object.hasOwn(entry, 'fields'))
      return { type: { kind: 'object', record: readCompact(entry, at, problems) }, optional }
    for (const kind of ['list', 'map'] as const) {
      if (!Object.hasOwn(entry, kind)) continue
      const of = readCompactField(entry[kind], [...at, kind], problems)
      return of && { type: { kind, of }, optional }
    }
    if (typeof entry['type'] === 'string') {
      const field = readCompactField(entry['type'], [...at, 'type'], problems)
      return field && { type: field.type, optional: optional || field.optional }
    }
  }
  const field = typeof entry === 'string' ? parseType(entry) : undefined
  if (field) return field
  const isCut = typeof entry === 'string' && /^decimal\(\s*\d+$/.test(entry)
  const hint = isCut
    ? 'YAML ends a value at a comma inside braces: put it in quotes, "decimal(10,2)"'
    : entry === 'decimal'
      ? 'decimal(10,2)'
      : entry === 'list'
        ? 'list<string>'
        : entry === 'map'
          ? 'map<string>'
          : entry === 'object'
            ? 'a nested `fields:` map'
            : undefined
  problems.push({
    code: 'bad_type',
    message: `${describe(entry)} is not a type`,
    at,
    expected: `${plainTypes.join(', ')}, decimal(p,s), timestamp(6), timestamp(9), list<type>, map<type>; with ? for optional`,
    got: describe(entry),
    hint,
  })
  return undefined
}

// --- JSON Schema

interface JsonSchemaReading {
  readonly root: JsonMap
  readonly problems: Problem[]
  readonly refs: readonly string[]
}

const constraints = [
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
  'minLength',
  'maxLength',
  'pattern',
  'enum',
  'const',
]
const combiners = [
  'allOf',
  'not',
  'if',
  'then',
  'else',
  'patternProperties',
  'dependentSchemas',
  'prefixItems',
  '$dynamicRef',
]

function readJsonSchemaRecord(schema: JsonMap, at: Path, reading: JsonSchemaReading): RecordType {
  const field = readJsonSchema(schema, at, reading)
  if (field.type.kind === 'object') return field.type.record
  reading.problems.push({
    code: 'bad_schema',
    message: 'the JSON Schema of a record must have `type: object` with `properties`',
    at,
    got: typeText(field.type),
  })
  return { fields: {} }
}

function readJsonSchema(schema: unknown, at: Path, reading: JsonSchemaReading): Field {
  if (schema === true || (isMap(schema) && Object.keys(schema).length === 0)) return jsonField
  if (!isMap(schema)) return unsupported(`${describe(schema)} is not a JSON Schema`, at, reading)
  if (typeof schema['$ref'] === 'string') return followRef(schema['$ref'], at, reading)
  for (const key of combiners)
    if (Object.hasOwn(schema, key)) return unsupported(`\`${key}\` is not supported`, [...at, key], reading)
  for (const key of constraints)
    if (Object.hasOwn(schema, key))
      reading.problems.push({
        code: 'schema_rule_ignored',
        message: `\`${key}\` is not checked`,
        at: [...at, key],
        hint: 'check it with a `where` step',
      })
  const own = typeof schema['x-millrace-type'] === 'string' ? parseType(schema['x-millrace-type']) : undefined
  const choices = schema['anyOf'] ?? schema['oneOf']
  if (Array.isArray(choices)) {
    const rest = choices.filter((choice) => !(isMap(choice) && choice['type'] === 'null'))
    if (rest.length !== 1)
      return unsupported(
        'a choice of several types is not supported',
        [...at, schema['anyOf'] ? 'anyOf' : 'oneOf'],
        reading,
      )
    return { type: readJsonSchema(rest[0], at, reading).type, optional: rest.length < choices.length }
  }
  const words = Array.isArray(schema['type']) ? schema['type'] : [schema['type']]
  const optional = words.includes('null')
  const named = words.filter((word) => word !== 'null')
  if (own) return { type: own.type, optional: optional || own.optional }
  if (named.length > 1) return unsupported('a choice of several types is not supported', [...at, 'type'], reading)
  return { type: jsonSchemaType(schema, named[0], at, reading), optional }
}

function jsonSchemaType(schema: JsonMap, word: unknown, at: Path, reading: JsonSchemaReading): Type {
  const format = schema['format']
  if (word === 'string' || word === undefined) {
    if (format === 'date') return { kind: 'date' }
    if (format === 'date-time') return { kind: 'timestamp' }
    if (format === 'int64') return { kind: 'bigint' }
    if (schema['contentEncoding'] === 'base64') return { kind: 'bytes' }
    if (word === 'string') return { kind: 'string' }
  }
  if (word === 'integer') return { kind: format === 'int64' ? 'bigint' : 'integer' }
  if (word === 'number' || word === 'boolean') return { kind: word }
  if (word === 'array') return { kind: 'list', of: readJsonSchema(schema['items'] ?? true, [...at, 'items'], reading) }
  if (word !== undefined && word !== 'object')
    return unsupported(`${describe(word)} is not a JSON Schema type`, [...at, 'type'], reading).type
  const others = schema['additionalProperties']
  if (!isMap(schema['properties']))
    return isMap(others)
      ? { kind: 'map', of: readJsonSchema(others, [...at, 'additionalProperties'], reading) }
      : { kind: 'json' }
  const required = Array.isArray(schema['required']) ? schema['required'] : []
  const fields: [string, Field][] = []
  for (const [name, property] of Object.entries(schema['properties'])) {
    const path = [...at, 'properties', name]
    if (!checkName(name, path, reading.problems)) continue
    const field = readJsonSchema(property, path, reading)
    fields.push([name, { type: field.type, optional: field.optional || !required.includes(name) }])
  }
  return { kind: 'object', record: { fields: Object.fromEntries(fields) } }
}

function followRef(ref: string, at: Path, reading: JsonSchemaReading): Field {
  if (reading.refs.includes(ref)) return unsupported(`\`${ref}\` refers to itself`, [...at, '$ref'], reading)
  let target: unknown = ref.startsWith('#') ? reading.root : undefined
  for (const part of ref.replace(/^#\/?/, '').split('/')) {
    if (part === '') continue
    const key = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~')
    target = isMap(target) && Object.hasOwn(target, key) ? target[key] : undefined
  }
  if (target === undefined) return unsupported(`\`${ref}\` does not exist in this file`, [...at, '$ref'], reading)
  return readJsonSchema(target, at, { ...reading, refs: [...reading.refs, ref] })
}

function unsupported(message: string, at: Path, reading: JsonSchemaReading): Field {
  reading.problems.push({
    code: 'bad_schema',
    message,
    at,
    hint: 'write the schema in the compact form: `fields: { name: type }`',
  })
  return jsonField
}
