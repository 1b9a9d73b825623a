/** The options of every stream connector, under the same names, so that a profile can swap them. */
import { option } from '@millrace/core'

const fields = {
  key_field: option.optional(option.text('The field for the transport key.', { example: 'key' })),
  timestamp_field: option.optional(
    option.text('The field for the time that the stream gave the record.', { example: 'published' }),
  ),
  headers_field: option.optional(
    option.text(
      'The field for the headers: a list of `{ name: string, value: bytes? }` holds all of them; `json` or `map<string?>` those whose names occur once, as an object.',
      { example: 'headers' },
    ),
  ),
}

/**
 * How a record's value is read. `json`: an object of the schema; `text`, `bytes`: the whole value goes into one field.
 */
const format = option.oneOf(['json', 'text', 'bytes'], 'What a value is: a JSON object, text, or bytes.', {
  default: 'json',
})
const valueField = option.text('The field for the value, if it is text or bytes.', { default: 'value' })

/** Options of every stream source. */
export const streamSourceOptions = {
  stream: option.text('The name of the stream (topic).', { minLength: 1, example: 'customer-event-api' }),
  format,
  value_field: valueField,
  ...fields,
  tombstones: option.optional(
    option.oneOf(
      ['error', 'skip', 'keep'],
      'What becomes of a record without a value. `error`: a bad record; `skip`: it is left out; `keep`: a row in which the fields of the value are null, and which sinks delete by its key (`on_null`). Default: `keep` where the value is text or bytes in an optional field, else `error`.',
      { example: 'keep' },
    ),
  ),
  start: option.oneOf(['earliest', 'latest'], 'Where reading begins if nothing of the stream has been read before.', {
    default: 'earliest',
  }),
  stop: option.oneOf(
    ['never', 'end'],
    '`end`: read to the end that the stream has at the start, so the source is bounded.',
    {
      default: 'never',
    },
  ),
  partitioned_by: option.optional(
    option.list(
      option.field('A field.'),
      'Fields whose values determine the partition: records with equal values are always in the same one. Not checked: the writers of the stream must ensure it.',
      { min: 1, example: ['CustomerID'] },
    ),
  ),
}

/** Options of every stream sink. */
export const streamSinkOptions = {
  stream: option.text('The name of the stream (topic).', { minLength: 1, example: 'customer-event-api' }),
  format,
  value_field: valueField,
  key: option.optional(
    option.anyOf(
      [
        option.field('A field.'),
        option.list(option.field('A field.'), 'Several fields, as a canonical JSON array.', { min: 1 }),
      ],
      'The field or fields that form the transport key: records with the same key keep their order.',
      {
        example: 'InvoiceNo',
      },
    ),
  ),
  headers_field: option.optional(
    option.field(
      'The field that becomes the headers, of a type that a source can read them as; it is left out of the value.',
    ),
  ),
  on_null: option.optional(
    option.oneOf(
      ['write', 'error', 'skip'],
      'A record without a value, and a null in `value_field`. `write`: a message without a value, which deletes its key in a compacted topic; `error`: a bad record; `skip`: nothing is written. Default: `write` for a record that came without a value (`tombstones: keep`), else `error`.',
      { example: 'write' },
    ),
  ),
}

/** The header under which a record's id travels over streams. */
export const idHeader = 'millrace-id'
