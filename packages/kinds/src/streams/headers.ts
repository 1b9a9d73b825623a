/**
 * A field for the headers of a record. Its type says what it can hold, and headers that it cannot are a data error:
 *
 * | type | value | holds |
 * |---|---|---|
 * | list of `{ name: string, value: bytes? }` | a list, in the order of the headers | every header |
 * | the same with `value: string?` | the same, as text | values that are UTF-8 |
 * | `map<string?>`, `map<bytes?>` | an object by name | names that occur once |
 * | `json` | an object of texts and nulls | names that occur once, values that are UTF-8 |
 * | an object of texts | the headers that are its fields | the same; others are left out |
 *
 * Names are UTF-8 in all of them.
 */
import { DataError, type Field, fieldOf, type Headers, type Row, setOwn, type Type, wireText } from '@millrace/core'
import { asBuffer, halfPair } from '@millrace/formats'

/** The value of the field for headers, and back; each throws `DataError`. Without `read`: `wrong` says why. */
export type HeadersField =
  | {
      readonly read: (headers: Headers) => unknown
      readonly write: (value: unknown) => Headers
      readonly wrong?: never
    }
  | { readonly read?: never; readonly write?: never; readonly wrong: string }

const fault = (message: string): DataError => new DataError('bad_headers', message)

/** How a type holds headers. */
export function compileHeadersField(type: Type): HeadersField {
  switch (type.kind) {
    case 'json':
      return byName('string', true)
    case 'map':
      return isWireType(type.of) ? byName(type.of.type.kind, type.of.optional) : { wrong: `is of type map, ${forms}` }
    case 'object':
      return Object.values(type.record.fields).every((field) => field.type.kind === 'string')
        ? byField(type.record.fields)
        : { wrong: 'is an object with fields that are not text, as values of headers are' }
    case 'list': {
      const record = type.of.type.kind === 'object' ? type.of.type.record : undefined
      const [name, value] = record ? [fieldOf(record, 'name'), fieldOf(record, 'value')] : []
      const isList = name?.type.kind === 'string' && value && isWireType(value)
      return isList && Object.keys(record!.fields).length === 2
        ? inOrder(value.type.kind, value.optional)
        : { wrong: `is of type list, ${forms}` }
    }
    default:
      return { wrong: `is of type ${type.kind}, ${forms}` }
  }
}

const forms = 'not json, a map or object of texts, or a list of { name: string, value: bytes? }'

type WireKind = 'string' | 'bytes'
const isWireType = (field: Field): field is Field & { readonly type: { readonly kind: WireKind } } =>
  field.type.kind === 'string' || field.type.kind === 'bytes'

function nameOf(name: Headers[number][0]): string {
  if (typeof name === 'string') return name
  throw new DataError('bad_encoding', 'the name of a header is not UTF-8')
}

/** The value of a header as a value of the field. */
const valueReader =
  (kind: WireKind, optional: boolean) =>
  ([name, value]: Headers[number]): unknown => {
    if (value === null) {
      if (optional) return null
      throw new DataError('missing_value', `the header ${name} is null`)
    }
    if (kind === 'bytes') return typeof value === 'string' ? Buffer.from(value) : value
    if (typeof value === 'string') return value
    throw new DataError('bad_encoding', `the header ${name} is not UTF-8: declare a list with values of type bytes`)
  }

/** A value of the field as a header. */
function headerOf(name: unknown, value: unknown): Headers[number] {
  if (typeof name !== 'string') throw fault('a header has no name')
  if (!name.isWellFormed()) throw new DataError('bad_text', `the name of a header: ${halfPair}`)
  if (value === null || value === undefined) return [name, null]
  if (value instanceof Uint8Array) return [name, wireText(asBuffer(value))]
  if (typeof value !== 'string') throw fault(`the header ${name} is ${describe(value)}, not text or null`)
  if (!value.isWellFormed()) throw new DataError('bad_text', `the header ${name}: ${halfPair}`)
  return [name, value]
}

const describe = (value: unknown): string =>
  Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'an object' : `a ${typeof value}`

const isObject = (value: unknown): value is Row =>
  typeof value === 'object' && !Array.isArray(value) && !(value instanceof Uint8Array)

function byName(kind: WireKind, optional: boolean): HeadersField {
  const read = valueReader(kind, optional)
  return {
    read: (headers) => {
      const found: Row = {}
      for (const header of headers) {
        const name = nameOf(header[0])
        if (Object.hasOwn(found, name))
          throw fault(`the header ${name} occurs more than once: declare a list of { name: string, value: bytes? }`)
        setOwn(found, name, read(header))
      }
      return found
    },
    write: (value) => {
      if (!isObject(value)) throw fault(`headers are an object of texts, not ${describe(value)}`)
      return Object.entries(value).map(([name, each]) => headerOf(name, each))
    },
  }
}

function byField(fields: Readonly<Record<string, Field>>): HeadersField {
  const whole = byName('string', true)
  return {
    read: (headers) => {
      const own = headers.filter(([name]) => typeof name === 'string' && Object.hasOwn(fields, name))
      const found = whole.read!(own) as Row
      for (const [name, { optional }] of Object.entries(fields)) {
        if (!optional && (found[name] ?? null) === null) throw fault(`there is no header ${name}`)
        if (!Object.hasOwn(found, name)) found[name] = null
      }
      return found
    },
    // Null and absent are one in an object.
    write: (value) => whole.write!(value).filter(([, each]) => each !== null),
  }
}

function inOrder(kind: WireKind, optional: boolean): HeadersField {
  const read = valueReader(kind, optional)
  return {
    read: (headers) => headers.map((header) => ({ name: nameOf(header[0]), value: read(header) })),
    write: (value) => (value as readonly Row[]).map((each) => headerOf(each['name'], each['value'])),
  }
}
