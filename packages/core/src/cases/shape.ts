/** The keys of a test file, as options. */
import { option } from '../connector/options.ts'
import type { Shape } from '../spec/index.ts'

/** A value with a shape of its own, read elsewhere. */
const part = option.any

/** `NAME.test.yaml`. */
export const testFileShape: Shape = {
  spec: option.optional(
    option.text('The spec, relative to this file. Default: the name of this file without `.test`.'),
  ),
  profile: option.optional(option.text('The profile to bind connections by. Default: local.')),
  vars: option.optional(part('Values of vars of the spec, like `--set`.')),
  env: option.optional(part('Values of `${env:NAME}`. Variables of the machine are not seen.')),
  tests: option.optional(part('The cases.')),
}

/** One of `tests:`. */
export const caseShape: Shape = {
  name: option.text('What the case shows, in words.', { minLength: 1, example: 'late orders go to their own file' }),
  clock: option.text('The time at which the case begins; only `wait` and `at` move it.', {
    default: '2026-01-01T00:00:00Z',
  }),
  given: option.optional(part('The records of each source, by its id.')),
  expect: option.optional(
    part('What comes out, by the id of the sink, and under `dead_letter`, `answers` and `error`.'),
  ),
  crash: option.optional(option.oneOf(['every'], 'Repeat the case, killed at every point of every epoch.')),
}

/** The long form of a record, and what may stand between records. */
export const givenShape: Shape = {
  record: option.optional(part('The record, as JSON would be read by the schema of the source.')),
  raw: option.optional(option.text('The record as text, which the decoder of the source reads.')),
  context: option.optional(part('With `raw`: what decoding needs besides the text, as in a dead letter.')),
  split: option.optional(option.text('The partition, shard or file that it is in.', { minLength: 1 })),
  key: option.optional(option.text('Its transport key.')),
  headers: option.optional(part('Its headers: a list of `[name, value]`, as in a dead letter.')),
  tombstone: option.optional(option.boolean('With a `key`, instead of a record: a record without a value.')),
  at: option.optional(option.text('The time to wait for before it arrives.', { example: '2026-01-01T01:00:00Z' })),
  wait: option.optional(option.duration('How long to wait, in virtual time.', { example: '10s' })),
  caught_up: option.optional(
    option.boolean('Whether the source has nothing more for now. Default: while it waits, unless its input ends.'),
  ),
}

/** `expect: { error: ... }`: the run fails. */
export const errorShape: Shape = {
  code: option.text('The code of the error.', { example: 'bad_date' }),
  message: option.optional(option.text('Text that its message contains.')),
}
