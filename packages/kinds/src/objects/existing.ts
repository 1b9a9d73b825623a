/** Files and objects that are in the way. */
import { MillraceError } from '@millrace/core'

/** An earlier run left results. `names`: where they are, in order. */
export function outputExists(names: readonly string[]): MillraceError {
  const more = names.length > 3 ? ` and ${names.length - 3} more` : ''
  return new MillraceError(
    'output_exists',
    `an earlier run left ${names.length === 1 ? 'a file' : 'files'} where this one would write: ${names.slice(0, 3).join(', ')}${more}`,
    {
      hint: 'run with --replace to replace them with the new results, or with --keep to add to them; `existing: replace` or `keep` does this for every run',
      exitCode: 3,
    },
  )
}

/** Somebody else wrote under a name that this run was about to use. */
export const outputTaken = (name: string): MillraceError =>
  new MillraceError('output_taken', `${name} already exists and was not written by this run`, {
    hint: 'move it away, choose another path, or run with --replace',
    exitCode: 3,
  })
