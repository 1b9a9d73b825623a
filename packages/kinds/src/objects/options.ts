/** The options of every sink of files and objects, under the same names, so that a profile swaps them. */
import { option, type Static } from '@millrace/core'

/** How files are compressed, when they are finished, and what becomes of an earlier run's. */
export const objectSinkOptions = {
  compression: option.optional(
    option.oneOf(['none', 'gzip', 'zstd'], 'Compresses whole files. Default: as the file name says, else none.', {
      example: 'zstd',
    }),
  ),
  roll: option.optional(
    option.object(
      {
        size: option.size('A file of this size; about, where rows are compressed or wait for others.', {
          tuning: true,
          default: '128MiB',
        }),
        records: option.integer('A file of this many records, never more.', {
          tuning: true,
          default: 1_000_000,
          min: 1,
        }),
        time: option.duration('A file that was begun this long ago.', { tuning: true, default: '60s' }),
      },
      'When files are finished and shown; new records go to new ones. Whichever comes first. Without it a file that `path` names is written to the end of the run.',
    ),
  ),
  existing: option.oneOf(
    ['stop', 'replace', 'keep'],
    'What a new run does where an earlier one left files: stop, replace them, or add to them.',
    { tuning: true, default: 'stop' },
  ),
  max_open_files: option.integer(
    'How many files are written at once. In a folder, the one that was not written for longest is finished early; where `path` names files, more is an error.',
    { tuning: true, default: 128, min: 1, max: 10_000 },
  ),
}

/** When a file is finished; whichever comes first. */
export interface Roll {
  readonly bytes: number
  readonly records: number
  readonly ms: number
}

/** Where nothing is said and files have to be finished. */
export const defaultRoll: Roll = { bytes: 128 * 1024 * 1024, records: 1_000_000, ms: 60_000 }

/** The bounds that were asked for; undefined: nothing was said. */
export const rollOf = ({ roll }: { readonly roll?: Static<typeof objectSinkOptions.roll> }): Roll | undefined =>
  roll && { bytes: roll.size, records: roll.records, ms: roll.time }
