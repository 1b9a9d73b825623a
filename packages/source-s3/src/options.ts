/** The options of the source, and their checks. */
import { option, type Problem, type Static } from '@millrace/core'
import { keyProblems, s3Options, s3Problems } from '@millrace/client-s3'
import { fileReadFormats as formats } from '@millrace/formats-columnar'
import { objectReading } from '@millrace/kinds'

export const options = option.object({
  ...s3Options,
  path: option.anyOf(
    [
      option.text('A key, a folder, or a pattern.'),
      option.list(option.text('A key, a folder, or a pattern.'), 'Several.', { min: 1 }),
    ],
    'What to read: a key, a folder (all keys below it, in their order), a pattern such as `raw/*.csv`, or a list of these.',
    { example: 'incoming/' },
  ),
  after_read: option.anyOf(
    [
      option.oneOf(['keep', 'delete'], 'Leave the object, or delete it.'),
      option.object(
        { move: option.text('The folder that it is moved to.', { minLength: 1, example: 'done/' }) },
        'Move the object.',
      ),
    ],
    'What to do with an object once all its records are saved and published.',
    { default: 'keep', example: { move: 'done/' } },
  ),
  watch: option.optional(
    option.duration('Do not end: when everything is read, look again after this pause, and read new objects.', {
      tuning: true,
      example: '10s',
    }),
  ),
  format: option.optional(formats.option),
})
export type Options = Static<typeof options>

/** The paths as a list. */
export const pathsOf = ({ path }: Pick<Options, 'path'>): readonly string[] =>
  typeof path === 'string' ? [path] : path

export const reading = objectReading(formats)

/** Whether a path is a pattern. */
export const isPattern = (path: string): boolean => /[*?[{]/.test(path)

/** Problems that are known without connecting. */
export function s3SourceProblems(o: Options): Problem[] {
  const paths = pathsOf(o)
  const found = [
    ...s3Problems(o),
    ...paths.flatMap((path) => keyProblems(path, ['path'])),
    ...reading.formatProblems(o, paths),
  ]
  if (o.watch === 0)
    found.push({
      code: 'bad_value',
      at: ['watch'],
      message: 'between two looks there must be a pause',
      expected: 'a duration above zero, such as 10s',
    })
  if (typeof o.after_read === 'object') {
    const target = folderOf(o.after_read.move)
    found.push(...keyProblems(target, ['after_read', 'move']))
    const again = paths.find(
      (path) =>
        !isPattern(path) &&
        target.startsWith(folderOf(path)) &&
        !/(^|\/)[._]/.test(target.slice(folderOf(path).length)),
    )
    if (again !== undefined)
      found.push({
        code: 'bad_value',
        at: ['after_read', 'move'],
        message: `objects moved there would be read again, since ${again || 'the whole bucket'} is read with all keys below it`,
        hint: 'choose a folder outside, or one whose name begins with `_`',
      })
  }
  return found
}

/** A path with one `/` at its end; empty for the whole bucket. */
export const folderOf = (path: string): string => {
  const bare = path.replace(/\/+$/, '')
  return bare === '' ? '' : `${bare}/`
}
