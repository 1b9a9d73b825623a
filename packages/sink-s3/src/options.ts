/** The options, and their checks. */
import { option, type Problem, type Static } from '@millrace/core'
import { keyProblems, s3Options, s3Problems } from '@millrace/client-s3'
import { fileWriteFormats as formats } from '@millrace/formats-columnar'
import { objectLayouts, objectSinkOptions } from '@millrace/kinds'

const mebibyte = 1024 * 1024

export const options = option.object({
  ...s3Options,
  path: option.text(
    'What the keys begin with, as a folder, or a whole key whose extension indicates its format (and `.gz` or `.zst` its compression). Parts of it may be fields, dates with a pattern: `raw/{Country}/{date:yyyy-MM}/`.',
    { example: 'raw/{Country}/' },
  ),
  format: option.optional(formats.option),
  ...objectSinkOptions,
  part_size: option.size('An object that is larger than this is sent in parts of this size.', {
    tuning: true,
    default: '8MiB',
  }),
  max_uploads: option.integer('How many parts are sent at once, each held in memory.', {
    tuning: true,
    default: 4,
    min: 1,
    max: 64,
  }),
})
export type Options = Static<typeof options>

export const { templateOf, layoutOf, optionProblems, acceptProblems, storedTypeOf } = objectLayouts(formats, false)

/** Problems that are known without connecting. */
export function s3SinkProblems(o: Options): Problem[] {
  const keys = keyProblems(o.path, ['path'])
  const found = [...s3Problems(o), ...keys, ...(keys.length > 0 ? [] : optionProblems(o))]
  // S3's user guide, "Amazon S3 multipart upload limits".
  if (o.part_size < 5 * mebibyte || o.part_size > 512 * mebibyte)
    found.push({
      code: 'bad_value',
      at: ['part_size'],
      message: 'a part has 5 MiB, S3’s minimum, to 512 MiB, since it is held in memory',
    })
  return found
}
