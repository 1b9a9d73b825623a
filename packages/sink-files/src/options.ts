/** The options, and their checks. */
import { type Env, option, type Static } from '@millrace/core'
import { fileWriteFormats as formats } from '@millrace/formats-columnar'
import { objectLayouts, objectSinkOptions } from '@millrace/kinds'

export const options = option.object({
  path: option.path(
    'A folder, or a file whose extension indicates its format (and `.gz` or `.zst` its compression). Parts of it may be fields, dates with a pattern: `out/{Country}/{date:yyyy-MM}`.',
    { example: 'out/{Country}/' },
  ),
  format: option.optional(formats.option),
  ...objectSinkOptions,
})
export type Options = Static<typeof options>

export const { templateOf, layoutOf, optionProblems, acceptProblems, storedTypeOf } = objectLayouts(formats, true)

/** The folder below which the sink writes, absolute. */
export const folderOf = (o: Options, env: Pick<Env, 'resolve'>): string => env.resolve(layoutOf(o).template.root)
