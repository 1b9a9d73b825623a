/**
 * Converts rows to JSON text as bytes, by their declared type.
 *
 * One function is generated per record type. It writes directly into a buffer: keys as 32-bit words, ASCII characters
 * one by one while checking for those that need escaping, small numbers digit by digit. Everything else first becomes
 * text, and the last text is cached for columns with repeated values. Building one long text from many short ones and
 * encoding that takes half as long again, most of it garbage collection.
 *
 * bigint and decimal are JSON strings, so that no reader rounds them; a timestamp is ISO 8601 in UTC with its digits;
 * bytes are base64. U+2028 and U+2029 are escaped, because some line readers break there, and so are unpaired
 * surrogates.
 */
import {
  codegenAllowed,
  generate,
  isoText,
  printJson,
  quote,
  toJson,
  type Field,
  type RecordType,
  type Row,
  type Type,
} from '@millrace/core'
import { OutputBytes } from '../bytes.ts'
import { repeated, sampleRows } from '../warm-up.ts'

/** How rows are written as JSON. */
export interface JsonWriteOptions {
  /** A null field: `write` it, or `omit` its key. Default `write`. */
  readonly nulls?: 'write' | 'omit' | undefined
}

/**
 * Appends the JSON objects of the rows, each with the same text before and after it, and stops after the one with which
 * `out` reaches `most` bytes. Returns how many rows it wrote. Throws `RangeError` for a time outside the years 1 to
 * 9999.
 */
export type EncodeRows = (rows: readonly Row[], out: OutputBytes, most?: number) => number

// Control characters, quote, backslash, line and paragraph separator, surrogates.
// oxlint-disable-next-line no-control-regex
const special = /[\u0000-\u001f"\\\u2028\u2029\ud800-\udfff]/

/** More than any output has; a small integer in V8. */
const noLimit = 0x7fffffff

/** A text as a JSON string. */
export const jsonText = (text: string): string => (special.test(text) ? quote(text) : `"${text}"`)

/** The JSON text of a value of the type, other than null. */
export function jsonValue(type: Type): (value: unknown) => string {
  switch (type.kind) {
    case 'string':
      return (value) => jsonText(value as string)
    case 'boolean':
      return (value) => (value ? 'true' : 'false')
    case 'integer':
    case 'number':
      return (value) => String(value as number)
    case 'bigint':
    case 'decimal':
    case 'date':
    case 'time':
      return (value) => `"${value as string | bigint}"`
    case 'timestamp':
      return (value) => `"${isoText(value as number)}"`
    default: {
      const form = toJson(type)
      return (value) => anyJson(form(value))
    }
  }
}

const anyJson = (value: unknown): string =>
  printJson(value).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')

/** Reads a field; one whose name every object inherits (`constructor`) only as an own property. */
const fieldReader = (name: string): ((row: Row) => unknown) =>
  name in Object.prototype ? (row) => (Object.hasOwn(row, name) ? row[name] : null) : (row) => row[name]

/** The fields of an open record that are not in its type, each as `,"key":value`. */
function extras(record: RecordType, nulls: 'write' | 'omit'): (row: Row) => string {
  if (!record.open) return () => ''
  const known = new Set(Object.keys(record.fields))
  return (row) => {
    let text = ''
    for (const key of Object.keys(row)) {
      if (known.has(key)) continue
      const value = row[key] ?? null
      if (value !== null || nulls === 'write') text += `,${jsonText(key)}:${anyJson(value)}`
    }
    return text
  }
}

/** Makes the function that writes rows of a type as JSON objects, with `before` and `after` around each. */
export function compileEncoder(
  record: RecordType,
  options: JsonWriteOptions & { readonly before?: string; readonly after?: string } = {},
): EncodeRows {
  const { nulls = 'write', before = '', after = '' } = options
  if (!codegenAllowed) return interpreted(record, nulls, before, after)
  const encode = generated(record, nulls, before, after)
  for (const rows of repeated(sampleRows(record)))
    for (const most of [noLimit, 1]) encode(rows, new OutputBytes(64), most)
  return encode
}

/** The twin of `generated`. */
function interpreted(record: RecordType, nulls: 'write' | 'omit', before: string, after: string): EncodeRows {
  const columns = Object.entries(record.fields).map(([name, field]) => ({
    read: fieldReader(name),
    key: `,${jsonText(name)}:`,
    encode: jsonValue(field.type),
  }))
  const more = extras(record, nulls)
  return (rows, out, most = noLimit) => {
    let all = ''
    for (const [i, row] of rows.entries()) {
      let text = ''
      for (const { read, key, encode } of columns) {
        const value = read(row) ?? null
        if (value !== null) text += key + encode(value)
        else if (nulls === 'write') text += `${key}null`
      }
      all += `${before}{${(text + more(row)).slice(1)}}${after}`
      // A UTF-16 unit takes three bytes at most.
      if (out.at + 3 * all.length < most) continue
      out.text(all)
      if (out.at >= most) return i + 1
      all = ''
    }
    out.text(all)
    return rows.length
  }
}

/**
 * Statements that put a constant text at `p`. Eight ASCII characters make a double, and never one that is not a number:
 * that would take a byte of 127 or more.
 */
function literal(text: string): string {
  const bytes = Buffer.from(text, 'utf8')
  let code = ''
  let i = 0
  for (; i + 8 <= bytes.length && bytes.subarray(i, i + 8).every((byte) => byte < 127); i += 8)
    code += `view.setFloat64(p + ${i}, ${bytes.readDoubleLE(i)}, true); `
  for (; i + 4 <= bytes.length; i += 4) code += `view.setUint32(p + ${i}, ${bytes.readUInt32LE(i)}, true); `
  for (; i < bytes.length; i++) code += `b[p + ${i}] = ${bytes[i]}; `
  return `${code}p += ${bytes.length};`
}

/** Makes room for `n` characters in any encoding, in addition to the constant texts of a row. */
const room =
  'if (n * 6 > limit - p) { out.at = p; out.grow(n * 6 + fixed); b = out.buffer; view = out.view; limit = b.length - fixed }'
/** Puts the ASCII text `t`. */
const putAscii = `n = t.length; ${room}; for (i = 0; i < n; i++) b[p + i] = t.charCodeAt(i); p += n`
/** Puts any text `t`. */
const putText = `n = t.length; ${room}; p += b.write(t, p, 'utf8')`

/** Puts `c`, a whole number below 1000. */
const putSmall =
  'if (c > 99) b[p++] = 48 + ((c / 100) | 0); if (c > 9) b[p++] = 48 + (((c / 10) | 0) % 10); b[p++] = 48 + (c % 10)'
const putNumber = (k: number) => `if (v !== last${k}) { text${k} = '' + v; last${k} = v } t = text${k}; ${putAscii}`

/** Statements that put value `v`, not null, of field k, with its key before it. */
function valueCode(k: number, field: Field, key: string): string {
  switch (field.type.kind) {
    case 'string':
      // If the last text is repeated, so are its bytes.
      return `n = v.length; ${room}
        ${literal(`${key}"`)}
        if (at${k} >= 0 && v === last${k}) { for (i = at${k}; i < end${k}; i++) b[p++] = b[i] } else {
          at${k} = p
          for (i = 0; i < n; i++) { c = v.charCodeAt(i); if (c < 32 || c > 126 || c === 34 || c === 92) break; b[p + i] = c }
          if (i === n) { p += n; b[p++] = 34 } else { p--; p += b.write(encode[${k}](v), p, 'utf8') }
          last${k} = v; end${k} = p
        }`
    case 'integer':
      return `${literal(key)} if (v >= 0 && v < 1000 && (v | 0) === v) { c = v; ${putSmall} } else { ${putNumber(k)} }`
    case 'number':
      // Prices: a whole number of hundredths is printed as such, without trailing zeros.
      return `${literal(key)} c = v >= 0 && v < 1000 ? (v * 100 + 0.5) | 0 : -1
        if (c / 100 === v) {
          n = c % 100; c = (c / 100) | 0; ${putSmall}
          if (n > 0) { b[p++] = 46; b[p++] = 48 + ((n / 10) | 0); if (n % 10 > 0) b[p++] = 48 + (n % 10) }
        } else { ${putNumber(k)} }`
    case 'boolean':
      return `if (v) { ${literal(`${key}true`)} } else { ${literal(`${key}false`)} }`
    case 'bigint':
    case 'decimal':
    case 'date':
    case 'time':
    case 'timestamp':
    case 'fine_timestamp':
      return `${literal(key)} if (v !== last${k}) { text${k} = encode[${k}](v); last${k} = v } t = text${k}; ${putAscii}`
    default:
      return `${literal(key)} t = encode[${k}](v); ${putText}`
  }
}

function generated(record: RecordType, nulls: 'write' | 'omit', before: string, after: string): EncodeRows {
  const fields = Object.entries(record.fields)
  // Each key is written with a comma before it; the first comma of a row becomes the brace.
  const columns = fields.map(([name, field], k) => {
    const value = name in Object.prototype ? `(own(r, ${quote(name)}) ? r[${quote(name)}] : null)` : `r[${quote(name)}]`
    const key = `,${jsonText(name)}:`
    const none = nulls === 'write' ? `b.set(none[${k}], p); p += none[${k}].length` : ''
    return `v = ${value}; if (v === null || v === undefined) { ${none} } else { ${valueCode(k, field, key)} }`
  })
  const keys = Buffer.byteLength(fields.map(([name]) => `,${jsonText(name)}:""false`).join(''))
  return generate<EncodeRows>(
    {
      own: Object.hasOwn,
      more: extras(record, nulls),
      encode: fields.map(([, field]) => jsonValue(field.type)),
      none: fields.map(([name]) => Buffer.from(`,${jsonText(name)}:null`)),
      fixed: keys + 2 * fields.length + before.length + after.length + 8,
    },
    `let unused${fields.map((_, k) => `, last${k}, text${k}`).join('')}
    return function encodeRows(rows, out, most = ${noLimit}) {
      let nothing${fields.map((_, k) => `, at${k} = -1, end${k} = 0`).join('')}
      out.grow(fixed)
      let b = out.buffer, view = out.view, p = out.at, limit = b.length - fixed
      let v, t, n = 0, i = 0, c = 0
      for (let x = 0; x < rows.length; x++) {
        const r = rows[x]
        n = 0; ${room}
        ${literal(before)}
        const start = p
        ${columns.join('\n')}
        ${record.open ? `t = more(r); ${putText}` : ''}
        if (p === start) p++
        b[start] = 123
        ${literal(`}${after}`)}
        if (p >= most) { out.at = p; return x + 1 }
      }
      out.at = p
      return rows.length
    }`,
  )
}
