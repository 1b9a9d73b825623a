/**
 * Data errors: why a record fails. `on_error` decides what happens: the run stops (the default), or the record goes to
 * the dead letter, is dropped and counted, or is refused to its sender.
 */
import type { CatalogueEntry } from './entry.ts'

/** Bytes that do not decode to a record. */
export const decodingErrors = {
  bad_encoding: {
    title: 'bytes in a different encoding',
    explanation: 'The bytes are not text in the declared encoding.',
    hint: 'set `encoding`, for example to windows-1252',
  },
  bad_json: { title: 'not JSON', explanation: 'The text is not one JSON value.' },
  not_object: { title: 'not a record', explanation: 'A record is a JSON object.' },
  not_one_record: {
    title: 'not exactly one record',
    explanation: 'The kept bytes of one record do not decode to one record.',
    hint: 'export the letter, repair its bytes so that they are one record, and replay it with `--from`',
  },
  missing_context: {
    title: 'header was not kept',
    explanation: 'A CSV record can only be read with the header of its file.',
    hint: 'read the file again: the letter was kept without its header',
  },
  duplicate_key: {
    title: 'key given twice',
    explanation: 'A JSON object has the same key twice; either could be meant.',
  },
  unknown_field: {
    title: 'unknown field',
    explanation: 'The record has a field that is not in the schema, and `unknown_fields` is `error`.',
    hint: 'unknown_fields: drop',
  },
  missing_value: {
    title: 'value missing',
    explanation: 'A field that is not optional has no value.',
    hint: 'make the field optional in the schema: `integer?`',
  },
  missing_column: { title: 'column missing', explanation: 'The header has no column for a field of the schema.' },
  duplicate_column: {
    title: 'duplicate column',
    explanation: 'The header names a column twice; either could be meant.',
  },
  forbidden_column: { title: 'column name not allowed', explanation: 'No record may have a field `__proto__`.' },
  ragged_row: { title: 'wrong number of cells', explanation: 'The row has more or fewer cells than the header.' },
  bad_quote: {
    title: 'misplaced quote',
    explanation:
      'A cell in quotes ends with its quote; a quote inside is written twice. With `bare_quotes: error`, a cell that does not begin with a quote contains none.',
  },
  byte_order_mark: {
    title: 'byte order mark inside a file',
    explanation:
      'A record begins with a byte order mark, as happens when files are joined; it would become part of a value.',
    hint: 'remove the mark, or read the files one by one',
  },
  unclosed_quote: {
    title: 'unclosed quote',
    explanation: 'A quoted cell is longer than the largest record allowed.',
  },
  record_too_large: { title: 'record too large', explanation: 'A record is larger than `max_record_size`.' },
} as const satisfies Record<string, CatalogueEntry>

/** Values that do not fit their type, and results that do not exist. */
export const valueErrors = {
  not_string: { title: 'not text', explanation: 'The field is a string; the value is not.' },
  not_boolean: {
    title: 'not true or false',
    explanation: 'The field is a boolean; the value is neither `true` nor `false`.',
  },
  not_integer: { title: 'not a whole number', explanation: 'The field is an integer; the value is not.' },
  not_number: { title: 'not a number', explanation: 'The field is a number; the value is not.' },
  not_list: { title: 'not a list', explanation: 'The field is a list; the value is not.' },
  not_text: {
    title: 'bytes where text was expected',
    explanation: 'The column holds bytes, but the field is not of that type.',
    hint: 'set the type of the field to `bytes`, or write the column as text',
  },
  bad_decimal: {
    title: 'not a decimal of this size',
    explanation: 'The value is not a decimal, or has more digits than its type allows.',
  },
  no_event_time: {
    title: 'no event time',
    explanation: 'The field of `event_time` is null, or its text is in none of the formats.',
  },
  event_time_ahead: {
    title: 'event time in the future',
    explanation: 'The event time is further ahead of the arrival of the record than `max_future` allows.',
  },
  bad_date: {
    title: 'not a date',
    explanation: 'The text matches none of the formats, or is a day or time that does not exist.',
  },
  bad_time: {
    title: 'not a time of day',
    explanation: 'A time of day is `HH:mm` or `HH:mm:ss`, with at most 6 fractional digits, before 24:00.',
  },
  bad_bytes: { title: 'not base64', explanation: 'Bytes are written as base64 in text.' },
  bad_duration: { title: 'not a duration', explanation: 'A duration is a number with a unit: `90s`, `1h30m`.' },
  bad_text: {
    title: 'half a character',
    explanation: 'The text has an unpaired surrogate, which no encoding can write.',
    hint: 'fix the program that truncated the text in the middle of a character',
  },
  out_of_range: {
    title: 'number out of range',
    explanation: 'The number does not fit its type; it is never rounded or truncated.',
  },
  division_by_zero: { title: 'division by zero', explanation: 'An expression divides by zero.' },
  empty_list: {
    title: 'empty list',
    explanation: 'An empty list has no smallest or largest item.',
    hint: 'guard it: `size(list) > 0 ? ... : ...`',
  },
  too_costly: {
    title: 'too costly',
    explanation:
      'An expression takes more steps for one record than allowed: nested loops over long lists, a text or list that grows with each loop, or a regular expression with large repetitions on a long text.',
    hint: 'shorten the list or text first, with `filter`, `substring` or an `explode` step',
  },
  too_deep: {
    title: 'nested too deep',
    explanation: 'A value is nested deeper than can be read, compared or stored.',
    hint: 'keep the deep part as text, or extract what is needed before it is stored',
  },
} as const satisfies Record<string, CatalogueEntry>

/** Functions of a `call` step. */
export const callErrors = {
  call_failed: {
    title: 'function failed',
    explanation: 'The function of a `call` step threw an error for this record.',
  },
  bad_result: {
    title: 'result is not a record',
    explanation: 'The function of a `call` step returned something other than its output type.',
  },
} as const satisfies Record<string, CatalogueEntry>

/** Records that a sink cannot write. */
export const writingErrors = {
  not_encodable: {
    title: 'value cannot be encoded',
    explanation: 'A value cannot be written in this format, for example a decimal of 38 digits in MongoDB.',
    hint: 'turn the value into text first, with `cast` or `string(x)`',
  },
  bad_headers: {
    title: 'headers are not text',
    explanation: 'The field that becomes the headers of a message must be an object of strings.',
    hint: 'turn each header into a string, with `cast` or `string(x)`',
  },
  bad_ids: {
    title: 'ids cannot be read',
    explanation:
      'The Millrace-Ids header of a request does not have one id for each of its records; a proxy or a client changed it.',
    hint: 'let the proxy pass the header unchanged, or send with `ids: false`',
  },
  tombstone: {
    title: 'no value',
    explanation:
      'The record of a stream has no value (null), which says that what has its key is deleted: `tombstones` of the source keeps or skips such records, and `on_null` of the sink says what it does with them.',
  },
  null_key: { title: 'key is null', explanation: 'A part of the key is null, so the record could not be found again.' },
  bad_id: {
    title: 'not an id of that type',
    explanation: 'The key is not the text of an ObjectId or a UUID, as `id_type` of the sink says.',
    hint: 'filter such records with `where`, or choose another `id_type`',
  },
  null_name: {
    title: 'name is empty',
    explanation: 'The field that names an attribute is empty.',
    hint: 'filter such records with `where`, or give the field a value with `default`',
  },
  name_taken: {
    title: 'name is taken',
    explanation: 'The attribute would overwrite a field of its document.',
    hint: 'choose another field for the name, or rename the field of the document',
  },
  key_exists: { title: 'key exists', explanation: 'With `write: insert`, another record already has this key.' },
  reads_as_null: {
    title: 'value that reads as null',
    explanation: 'The value is written like a null, so readers could not distinguish the two.',
    hint: 'choose another text for null with `nulls`',
  },
  too_large: {
    title: 'record too large for the system',
    explanation: 'The target system does not accept a record of this size.',
    hint: 'drop or shorten the largest field, or keep it elsewhere and store a reference',
  },
  validation: {
    title: 'refused by a rule of the collection',
    explanation: 'The validator of the collection refuses the document.',
    hint: 'compare the record with the validator of the collection and change one of them',
  },
  refused: {
    title: 'refused by the store',
    explanation: 'The store refuses this document.',
    hint: "read the store's message: it names the rule",
  },
  constraint: {
    title: 'refused by a constraint',
    explanation: 'A constraint of the table refuses the row.',
    hint: 'fix the record, or change the constraint of the table',
  },
  not_storable: {
    title: 'refused by the store',
    explanation: 'The store cannot hold the value.',
    hint: 'cast the field to a type that the store supports',
  },
} as const satisfies Record<string, CatalogueEntry>

/** By code. */
export const badRecordEntries = {
  ...decodingErrors,
  ...valueErrors,
  ...callErrors,
  ...writingErrors,
} as const satisfies Record<string, CatalogueEntry>
