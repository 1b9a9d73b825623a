/**
 * Values between text, JSON and memory (schema/type.ts lists the in-memory forms). Nothing is rounded, truncated or
 * guessed (invariant 11): what is not exactly a value of the type is a `DataError` with one of the codes
 * `missing_value`, `unknown_field`, `not_string`, `not_boolean`, `not_integer`, `not_number`, `bad_decimal`,
 * `bad_date`, `bad_time`, `bad_bytes`, `bad_json`, `duplicate_key`, `too_deep`, `bad_text`, `not_list`, `not_object`,
 * `out_of_range`.
 *
 * | type | text | JSON |
 * |---|---|---|
 * | string | itself | string |
 * | boolean | true, false, in any case | boolean |
 * | integer | `-12`, `+12`, `007` | number |
 * | bigint | as integer | string; read also from a number |
 * | number | `-1.5`, `.5`, `1e3` | number |
 * | decimal | `-12.3`, at most `s` digits after the point, then zeros | string; read also from a number |
 * | date | `2010-12-01` | string |
 * | time | `08:26`, `08:26:00.5`; written `08:26:00` and its fraction | string |
 * | timestamp | ISO 8601 with `Z` or an offset; written `2010-12-01T08:26:00.000Z` | string |
 * | timestamp(6), timestamp(9) | the same with 6 or 9 digits after the second | string |
 * | bytes | base64 with padding | string |
 * | list, object, json | JSON | itself |
 */
export { type FieldFailure, fromJson, rowFromJson, type UnknownFields } from './from-json.ts'
export { toJson } from './to-json.ts'
export { type JsonFault, countKeys, jsonFault, parseJson, parsePrinted, readJson } from './json.ts'
export { hasLongFraction, hasLongNumber, hasLongRun, hasTinyNumber, parseExact } from './long-number.ts'
export { printJson } from './print-json.ts'
export { fromText, toText } from './text.ts'
export {
  fineTimestampText,
  floorMs,
  instantOf,
  isDateText,
  microsOfTime,
  timeFromText,
  timeOfMicros,
  unitsPerMs,
} from './time.ts'
export { mapValues, setOwn } from './own.ts'
export * from './key.ts'
export * from './well-formed.ts'
