/** The options of every sink for files and objects, under the same names, so that a profile can swap them. */
import { option, type Static } from '@millrace/core'

/** How files are compressed, when they are finished, and what to do with those of an earlier run. */
export const objectSinkOptions = {
  compression: option.optional(
    option.oneOf(['none', 'gzip', 'zstd'], 'Compresses whole files. Default: from the file name, else none.', {
      example: 'zstd',
    }),
  ),
  roll: option.optional(
    option.object(
      {
        size: option.size('The size of a file; approximate if rows are compressed or buffered.', {
          tuning: true,
          default: '128MiB',
        }),
        records: option.integer('The number of records in a file, never exceeded.', {
          tuning: true,
          default: 1_000_000,
          min: 1,
        }),
        time: option.duration('The age of a file.', { tuning: true, default: '60s' }),
      },
      'When files are finished and published; new records go to new ones. The first limit that is reached applies. Without `roll`, a file that `path` names is written until the end of the run.',
    ),
  ),
  partition_fields: option.oneOf(
    ['drop', 'keep'],
    'Whether files in a folder `name={name}` contain the field as well. Readers of such folders take it from the folder.',
    { default: 'drop' },
  ),
  zone: option.text('The time zone of dates in `path`.', { default: 'UTC', example: 'Europe/Berlin' }),
  existing: option.oneOf(
    ['stop', 'replace', 'keep'],
    'What a new run does if an earlier one left files: stop, replace them, or add to them.',
    { tuning: true, default: 'stop' },
  ),
  max_open_files: option.integer(
    'How many files are written at once. In a folder, the least recently written one is finished early; if `path` names files, exceeding it is an error.',
    { tuning: true, default: 128, min: 1, max: 10_000 },
  ),
}

/** When a file is finished: at the first bound that is reached. */
export interface Roll {
  readonly bytes: number
  readonly records: number
  readonly ms: number
}

/** The default where files have to be finished. */
export const defaultRoll: Roll = { bytes: 128 * 1024 * 1024, records: 1_000_000, ms: 60_000 }

/** The option `roll`, as resolved. */
export type RollOption = Static<typeof objectSinkOptions.roll>

/** The bounds that were set; undefined: none. */
export const rollOf = ({ roll }: { readonly roll?: RollOption }): Roll | undefined =>
  roll && { bytes: roll.size, records: roll.records, ms: roll.time }
