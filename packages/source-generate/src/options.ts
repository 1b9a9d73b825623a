/** Options of the generator: what its streams hold, and what is made in each turn. */
import { option, type Static } from '@millrace/core'

const range = (description: string, example: string) => ({
  from: option.text(`The earliest ${description}: \`now\`, \`-2h\`, \`start_of_year\`, or a timestamp.`, { example }),
  to: option.text(`The latest ${description}, written in the same way.`, { default: 'now' }),
})

const words = option.oneOf(['uuid', 'boolean', 'sequence'], 'Short for a generator with its defaults.')

const own = {
  fake: option.optional(
    option.text('A method of Faker (https://fakerjs.dev/api) by its path.', { example: 'person.fullName' }),
  ),
  with: option.optional(option.any('The argument of that method; a list is several arguments.')),
  uuid: option.optional(option.object({}, 'A random UUID.')),
  sequence: option.optional(
    option.object({ from: option.integer('The number of the first record.', { default: 1 }) }, 'Consecutive numbers.'),
  ),
  boolean: option.optional(
    option.object({ share: option.percent('How many are true.', { default: '50 %' }) }, 'True or false.'),
  ),
  integer: option.optional(
    option.object(
      { from: option.integer('The lowest.'), to: option.integer('The highest.') },
      'A whole number, evenly distributed.',
    ),
  ),
  number: option.optional(
    option.object(
      {
        from: option.number('The lowest.'),
        to: option.number('The highest.'),
        digits: option.integer('Digits after the point.', { default: 2, min: 0, max: 10 }),
      },
      'A number or decimal, evenly distributed.',
    ),
  ),
  one_of: option.optional(option.list(option.any('A value.'), 'One of these values.', { min: 1 })),
  weights: option.optional(
    option.list(
      option.number('A weight.', { min: 0 }),
      'How often each value of `one_of` comes, relative to the others.',
    ),
  ),
  time: option.optional(option.object(range('time', '-2h'), 'A timestamp, relative to the clock of the turn.')),
  date: option.optional(option.object(range('day', '-30d'), 'A date in UTC, relative to the clock of the turn.')),
  value: option.optional(option.any('Always this value.')),
  when: option.optional(
    option.expression('A condition on the fields before this one.', { example: "interaction_type == 'review'" }),
  ),
  else: option.optional(option.any('The value if the condition is not true. Default: null.')),
}

const reference = {
  of: option.optional(
    option.object(
      {
        stream: option.text('The stream.', { example: 'customers' }),
        field: option.text('The field of that record.', { example: 'customer_id' }),
      },
      'A field of a record that was made before. All references of one record to a stream are to the same record.',
    ),
  ),
}

const fieldsOf = <P extends Parameters<typeof option.object>[0]>(ways: P, description: string) =>
  option.map(
    option.anyOf([words, option.object(ways)], 'How the value of a field is made: exactly one of these.'),
    description,
  )

const turn = option.list(
  option.anyOf(
    [
      option.text('A stream.'),
      option.object({
        either: option.list(option.text('A stream.'), 'One of these streams.', { min: 2 }),
        weights: option.optional(
          option.list(option.number('A weight.', { min: 0 }), 'How often each is chosen; default: evenly.'),
        ),
      }),
    ],
    'A stream, of which one record is made.',
  ),
  'What is made in each turn, in this order. A record that refers to streams of which none exists yet is left out. Default: one record of each stream.',
  { min: 1 },
)

export const options = option.object({
  fields: option.optional(fieldsOf(own, 'The fields of the records, for a generator of one stream.')),
  streams: option.optional(
    option.map(
      fieldsOf({ ...own, ...reference }, 'The fields of its records.'),
      'The fields of the records of each stream, for several streams.',
    ),
  ),
  turn: option.optional(turn),
  stream: option.optional(
    option.text('The stream that this source reads: one of `streams`.', { minLength: 1, example: 'customers' }),
  ),
  seed: option.integer('Another seed gives other records.', { default: 1 }),
  count: option.optional(
    option.integer('How many turns there are. Absent: the source never ends.', { min: 0, example: 100 }),
  ),
  rate: option.optional(
    option.text('How many turns are made per second (s), minute (m) or hour (h). Absent: as fast as possible.', {
      pattern: String.raw`^\d+(\.\d+)?\s*/\s*[smh]$`,
      example: '100/s',
    }),
  ),
  clock: option.text('The time of the first turn; `now`: when the run began, so that each run makes other records.', {
    default: 'now',
    example: '2026-01-31T12:00:00Z',
  }),
  key: option.optional(option.text('The field that becomes the transport key.', { example: 'customer_id' })),
})

export type Options = Static<typeof options>
export type FieldOption = NonNullable<Options['streams']>[string][string]
export type FullField = Exclude<FieldOption, string>
