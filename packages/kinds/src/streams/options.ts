/** The options of every stream connector, under the same names, so that a profile can swap them. */
import { option } from '@millrace/core'

const fields = {
  key_field: option.optional(option.text('The field for the transport key.', { example: 'key' })),
  timestamp_field: option.optional(
    option.text('The field for the time that the stream gave the record.', { example: 'published' }),
  ),
  headers_field: option.optional(
    option.text('The field for the headers, as an object of strings.', { example: 'headers' }),
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
    option.field('The field whose object of strings becomes the headers; it is left out of the value.'),
  ),
}

/** The header under which a record's id travels over streams. */
export const idHeader = 'millrace-id'
