/**
 * JSON objects as rows. The usual object fits its type, so a function is generated that checks the types of all fields and builds the row in one go; whatever
 * does not fit is read again by its interpreted twin, which says what is wrong with every field.
 */
import { codegenAllowed, generate, propertyKey, quote } from '../codegen.ts'
import { DataError } from '../errors.ts'
import type { Row, Tally } from '../record.ts'
import type { RecordType } from '../schema.ts'
import { fieldFromJson, fromJson, joinPath } from './json.ts'
import { show } from './scalar.ts'

/** One field that breaks its type. `field`: its path, `lines[2].price`. */
export interface Failure {
  readonly code: string
  readonly field: string
  readonly message: string
}

type UnknownFields = 'drop' | 'error' | 'keep'
type ReadRow = (object: Readonly<Record<string, unknown>>) => Row | Failure[]

/**
 * Reads the fields of a JSON object as a row of one shape, in the order of the type; absent optional fields become null. All failures of a row are told.
 * Fields the type does not name are left out (`drop`; `tally` counts them), failures with code `unknown_field` (`error`), or put behind the others (`keep`).
 */
export function rowFromJson(record: RecordType, unknownFields: UnknownFields, tally?: Tally): ReadRow {
  const slow = interpretedRow(record, unknownFields)
  const read = codegenAllowed ? generatedRow(record, unknownFields, slow) : slow
  if (!tally || unknownFields !== 'drop') return read
  return (object) => {
    const row = read(object)
    if (!Array.isArray(row))
      for (const name of Object.keys(object)) if (!Object.hasOwn(record.fields, name)) tally.unknown++
    return row
  }
}

// Every object inherits some names (`constructor`): they count only where the object itself has them.
const isInherited = (name: string): boolean => name in Object.prototype

/** What a value that is not null has to pass to stand in the row as it is; undefined: it is converted. */
const tests: Readonly<Record<string, (value: string) => string>> = {
  string: (v) => `typeof ${v} === 'string'`,
  boolean: (v) => `typeof ${v} === 'boolean'`,
  // -0 is left to the twin, which makes it 0.
  integer: (v) => `isSafeInteger(${v}) && !is(${v}, -0)`,
  number: (v) => `typeof ${v} === 'number' && isFinite(${v})`,
}

function generatedRow(record: RecordType, unknownFields: UnknownFields, slow: ReadRow): ReadRow {
  const fields = Object.entries(record.fields)
  const converts = fields.map(([, { type }]) => fromJson(type))
  const reads = fields.map(([name, { type, optional }], k) => {
    const v = `f${k}`
    const read = isInherited(name) ? `hasOwn(o, ${quote(name)}) ? o[${quote(name)}] : null` : `o[${quote(name)}]`
    const test = tests[type.kind]?.(v)
    const check = test ? `if (!(${test})) return slow(o)` : `${v} = converts[${k}](${v})`
    return `let ${v} = ${read}; if (${v} === undefined || ${v} === null) { ${optional ? `${v} = null` : 'return slow(o)'} } else { ${check} }`
  })
  const row = `{ ${fields.map(([name], k) => `${propertyKey(name)}: f${k}`).join(', ')} }`
  const others = {
    drop: '',
    error: 'for (const name of Object.keys(o)) if (!known.has(name)) return slow(o)',
    keep: 'for (const name of Object.keys(o)) if (!known.has(name)) setOwn(row, name, o[name])',
  }[unknownFields]
  const convertsAny = fields.some(([, { type }]) => !tests[type.kind])
  const body = `${reads.join('\n')}\nconst row = ${row}\n${others}\nreturn row`
  const known = new Set(Object.keys(record.fields))
  const scope = {
    slow,
    converts,
    known,
    setOwn,
    hasOwn: Object.hasOwn,
    isSafeInteger: Number.isSafeInteger,
    isFinite: Number.isFinite,
    is: Object.is,
  }
  // Only a conversion throws; the twin then reports what is wrong.
  return generate(scope, `return (o) => { ${convertsAny ? `try { ${body} } catch { return slow(o) }` : body} }`)
}

/** The twin of the generated reader. */
export function interpretedRow(record: RecordType, unknownFields: UnknownFields): ReadRow {
  const names = Object.keys(record.fields)
  const known = new Set(names)
  const reads = names.map((name) => fieldFromJson(record.fields[name]!))
  const inherited = names.map(isInherited)
  return (object) => {
    let failures: Failure[] | undefined
    const row: Row = {}
    for (let k = 0; k < names.length; k++) {
      const name = names[k]!
      const value = inherited[k] && !Object.hasOwn(object, name) ? undefined : object[name]
      try {
        row[name] = reads[k]!(value)
      } catch (error) {
        ;(failures ??= []).push(failureOf(error, name))
      }
    }
    if (unknownFields !== 'drop') {
      for (const name of Object.keys(object)) {
        if (known.has(name)) continue
        if (unknownFields === 'error')
          (failures ??= []).push({
            code: 'unknown_field',
            field: name,
            message: `${show(name)} is no field of the schema`,
          })
        else setOwn(row, name, object[name])
      }
    }
    return failures ?? row
  }
}

function failureOf(error: unknown, name: string): Failure {
  if (!(error instanceof DataError)) throw error
  return { code: error.code, field: joinPath(name, error.field), message: error.message }
}

/** Sets a field; `__proto__` becomes a property like any other. */
export function setOwn(row: Row, name: string, value: unknown): void {
  if (name === '__proto__')
    Object.defineProperty(row, name, { value, enumerable: true, writable: true, configurable: true })
  else row[name] = value
}
