/** The options of everything that reads files, declared once. */
import { type Env, option, type Problem, type Static } from '@millrace/core'
import type { AfterRead } from './after.ts'

/** Options that all file sources share. */
export const filesOptions = {
  path: option.anyOf(
    [
      option.path('A file, a folder, a pattern, a pipe, or `-` for standard input.'),
      option.list(option.path('A file, a folder or a pattern.'), 'Several.', { min: 1 }),
    ],
    'What to read: a file, a folder (all its files, at any depth, in the order of their names), a pattern such as `data/*.csv`, a list of these, or `-` for standard input.',
    { example: 'data/retail.csv' },
  ),
  after_read: option.anyOf(
    [
      option.oneOf(['keep', 'delete'], 'Leave the file, or delete it.'),
      option.object({ move: option.path('The folder that it is moved to.', { example: 'done/' }) }, 'Move the file.'),
    ],
    'What to do with a file once all its records are saved and published.',
    { default: 'keep', example: { move: 'done/' } },
  ),
  watch: option.optional(
    option.duration(
      'Do not end: when everything is read, look again after this pause, and read new files and lines that were appended to known ones.',
      { tuning: true, example: '10s' },
    ),
  ),
}
/** Options of file sources, resolved. */
export type FilesSpec = {
  readonly [K in 'path' | 'after_read']: Readonly<Static<(typeof filesOptions)[K]>>
} & { readonly watch?: number | undefined }

/** The paths as a list. */
export const pathsOf = ({ path }: Pick<FilesSpec, 'path'>): readonly string[] =>
  typeof path === 'string' ? [path] : path

/** `after_read` with an absolute path. */
export const afterReadOf = ({ after_read }: Pick<FilesSpec, 'after_read'>, env: Pick<Env, 'resolve'>): AfterRead =>
  typeof after_read === 'string' ? after_read : { move: env.resolve(after_read.move) }

/** Problems of options that are valid individually. */
export function filesProblems(options: FilesSpec, env: Pick<Env, 'resolve'>): Problem[] {
  const problems: Problem[] = []
  const paths = pathsOf(options)
  if (paths.includes('-')) {
    if (paths.length > 1)
      problems.push({ code: 'bad_value', at: ['path'], message: 'standard input cannot be one of several inputs' })
    if (options.after_read !== 'keep')
      problems.push({
        code: 'bad_value',
        at: ['after_read'],
        message: 'standard input can be neither deleted nor moved',
      })
    if (options.watch !== undefined)
      problems.push({
        code: 'bad_value',
        at: ['watch'],
        message: 'standard input cannot be watched: it is read once, as it comes',
        hint: 'remove `watch`',
      })
  }
  if (options.watch === 0)
    problems.push({
      code: 'bad_value',
      at: ['watch'],
      message: 'between two looks there must be a pause',
      expected: 'a duration above zero, such as 10s',
    })
  if (typeof options.after_read === 'object') {
    const target = within(env.resolve(options.after_read.move))
    const again = paths.find(
      (path) => target.startsWith(within(env.resolve(path))) && !/\/[._]/.test(target.slice(env.resolve(path).length)),
    )
    if (again)
      problems.push({
        code: 'bad_value',
        at: ['after_read', 'move'],
        message: `files moved there would be read again, since ${again} is read with all its subfolders`,
        hint: 'choose a folder outside, or one whose name begins with `_`',
      })
  }
  return problems
}

const within = (path: string): string => (path.endsWith('/') ? path : `${path}/`)

/**
 * What these paths read, for `SourceDefinition.reads` and `SinkDefinition.writes`: a pattern counts as its parent
 * folder.
 */
export const placesOf = (paths: readonly string[], env: Pick<Env, 'resolve'>): string[] =>
  paths
    .filter((path) => path !== '-')
    .map((path) => `files:${env.resolve(path.replace(/[^/]*[*?[{].*$/, '') || '.').replace(/(?<=.)\/$/, '')}`)
