/**
 * Record types: what a field may hold, and the one in-memory form of each type.
 *
 * | type | in memory |
 * |---|---|
 * | string | string |
 * | boolean | boolean |
 * | integer | number, a whole one within +-(2^53-1) |
 * | bigint | bigint within 64 bits, signed |
 * | number | number, never NaN or infinite |
 * | decimal(p,s) | text with exactly s digits after the point and no leading zeros or plus: `"-12.30"` |
 * | date | text `yyyy-MM-dd` |
 * | timestamp | number: ms since 1970-01-01T00:00Z, whole |
 * | bytes | Uint8Array |
 * | list<T> | array |
 * | object | plain object |
 * | json | any JSON value |
 *
 * null and absent are one: an optional field that is missing reads as null.
 */

/** The type of a value. */
export type Type =
  | { readonly kind: 'string' | 'boolean' | 'integer' | 'bigint' | 'number' | 'date' | 'timestamp' | 'bytes' | 'json' }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly kind: 'list'; readonly of: Field }
  | { readonly kind: 'object'; readonly record: RecordType }

export interface Field {
  readonly type: Type
  /** May be null or absent. */
  readonly optional: boolean
}

/** The type of a row: its fields, in order. `open`: further fields may be present and are kept (`unknown_fields: keep`); they can't be named in expressions. */
export interface RecordType {
  readonly fields: Readonly<Record<string, Field>>
  readonly open?: boolean
}
