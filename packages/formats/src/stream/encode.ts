/** Rows to the values, keys and headers of stream records. */
import type { RecordType, Records, Type } from '@millrace/core'
import { compileKey, PartialWriteError, type WriteFailure } from '@millrace/core'
import { OutputBytes } from '../bytes.ts'
import { compileEncoder } from '../json/encode.ts'

/** How records become messages of a stream. */
export interface StreamEncoding {
  readonly schema: RecordType
  readonly format: 'json' | 'text' | 'bytes'
  readonly valueField: string
  readonly key?: string | readonly string[] | undefined
  readonly headersField?: string | undefined
}

/** The values of some records: `body.subarray(ends[i - 1] ?? 0, ends[i])` is value i, without what stands between two. */
export interface EncodedValues {
  readonly body: Uint8Array
  readonly starts: Int32Array
  readonly ends: Int32Array
  /** Values are JSON objects with a line feed after each. */
  readonly lines: boolean
  readonly keys: readonly (string | null)[]
  readonly headers: readonly (Readonly<Record<string, string>> | null)[] | undefined
}

/** Makes the function that encodes records. Throws `PartialWriteError` (data) naming those whose key has a null part. */
export function streamEncoder(options: StreamEncoding): (records: Records) => EncodedValues {
  const { schema, format, valueField, key, headersField } = options
  const fields = Object.fromEntries(Object.entries(schema.fields).filter(([name]) => name !== headersField))
  const encode = format === 'json' ? compileEncoder({ ...schema, fields }, { after: '\n' }) : undefined
  const out = new OutputBytes()
  const names = key === undefined ? undefined : typeof key === 'string' ? [key] : key
  const keyOf = names && compileKey(schema, names)
  return (records) => {
    const { rows } = records
    const keys = keysOf(records, names, keyOf)
    const starts = new Int32Array(rows.length)
    const ends = new Int32Array(rows.length)
    let body: Uint8Array
    if (encode) {
      encode(rows, out)
      body = out.take()
      let at = 0
      for (let i = 0; i < rows.length; i++) {
        starts[i] = at
        at = body.indexOf(10, at)
        ends[i] = at++
      }
    } else {
      const values = rows.map((row) => bytesOf(row[valueField]))
      body = Buffer.concat(values)
      let at = 0
      for (const [i, value] of values.entries()) {
        starts[i] = at
        at += value.length
        ends[i] = at
      }
    }
    const headers = headersField
      ? rows.map((row) => (row[headersField] as Record<string, string> | null) ?? null)
      : undefined
    return { body, starts, ends, lines: encode !== undefined, keys, headers }
  }
}

const bytesOf = (value: unknown): Uint8Array =>
  value instanceof Uint8Array ? value : Buffer.from(String(value ?? ''), 'utf8')

function keysOf(
  records: Records,
  names: readonly string[] | undefined,
  keyOf: ReturnType<typeof compileKey> | undefined,
): (string | null)[] {
  const { rows } = records
  if (!keyOf) return rows.map((_, i) => records.key(i) ?? null)
  const failures: WriteFailure[] = []
  const keys = rows.map((row, index) => {
    const made = keyOf(row)
    if (made === undefined)
      failures.push({
        index,
        kind: 'data',
        code: 'null_key',
        message: `the key ${names!.join(', ')} has a part that is null`,
        field: names![0]!,
      })
    return made ?? null
  })
  if (failures.length) throw new PartialWriteError(failures)
  return keys
}

/** How a field of this type stands in a JSON text, in words: for `mapping` of sinks that write JSON. */
export function jsonForm(type: Type): string {
  switch (type.kind) {
    case 'boolean':
      return 'JSON true, false'
    case 'integer':
    case 'number':
      return 'JSON number'
    case 'date':
      return 'JSON string `yyyy-MM-dd`'
    case 'timestamp':
      return 'JSON string `yyyy-MM-ddTHH:mm:ss.SSSZ`'
    case 'bytes':
      return 'JSON string, base64'
    case 'list':
      return `JSON array of ${jsonForm(type.of.type)}`
    case 'object':
      return 'JSON object'
    case 'json':
      return 'JSON, as it is'
    default:
      return 'JSON string'
  }
}
