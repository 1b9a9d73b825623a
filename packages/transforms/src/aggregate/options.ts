/** The options of `aggregate`, and what must hold between them. */
import { checkZone, option, type Problem, type Static } from '@millrace/core'
import { isName } from '../route.ts'

const windowOptions = option.object(
  {
    tumbling: option.optional(
      option.anyOf(
        [
          option.oneOf(['day', 'week', 'month'], 'A day, week or month of `zone`; weeks begin on Monday.'),
          option.duration('Windows of this length, side by side.'),
        ],
        'Windows that do not overlap: each record is in one.',
        { example: '1h' },
      ),
    ),
    sliding: option.optional(
      option.duration('Windows of this length, a new one every `slide`: each record is in several.', { example: '1h' }),
    ),
    slide: option.optional(option.duration('How often a sliding window begins.', { example: '5m' })),
    session: option.optional(
      option.duration('Records of a group with at most this gap between them are one window.', { example: '30m' }),
    ),
    zone: option.text('The time zone of days, weeks and months.', { default: 'UTC' }),
    offset: option.duration('Moves the beginnings of windows, which are otherwise aligned to 1970-01-01T00:00.', {
      default: '0s',
    }),
    allowed_lateness: option.duration('How long after its end a window still takes records.', { default: '0s' }),
    late: option.optional(
      option.text('The output for late records: read by the sink of that name. Or `drop`: they are counted only.', {
        example: 'late_lines',
      }),
    ),
    shape: option.oneOf(
      ['fields', 'nested'],
      'The window in results: the fields `window_start` and `window_end`, or one field `window` with `start` and `end`.',
      { default: 'fields' },
    ),
  },
  'Groups records by event time as well.',
)

export const options = option.object({
  by: option.list(option.field('A field.'), 'The fields to group by; without any, all records form one group.', {
    default: [],
    example: ['country'],
  }),
  outputs: option.map(
    option.expression('An aggregate, or an expression over aggregates.'),
    'The aggregates of a group, by name.',
    {
      example: { lines: 'count()', quantity: 'sum(Quantity)' } as never,
    },
  ),
  window: option.optional(windowOptions),
  emit: option.optional(
    option.anyOf(
      [
        option.oneOf(
          ['on_end', 'on_close', 'on_change'],
          'When a window ends, and again when late records change it; once, when it closes; or whenever it has changed, once an epoch.',
        ),
        option.object({ every: option.duration('This often, if it has changed.', { example: '10s' }) }),
      ],
      'When results are emitted. Default: on_end; without a window, at the end of the input.',
      { example: 'on_close' },
    ),
  ),
  forget_after: option.optional(
    option.duration(
      'Without a window: a group that had no record for this long, by the clock, is forgotten. Its last result stays where it was written; if it has a record again, it starts anew, and its results replace that one.',
      { example: '30d' },
    ),
  ),
  max_groups: option.integer(
    'More groups than this stop the run, with nothing lost: raise the limit and run again to continue.',
    {
      default: 5_000_000,
      min: 1,
      tuning: true,
    },
  ),
})

export type Options = Static<typeof options>
export type WindowOptions = NonNullable<Options['window']>
export type Emit = NonNullable<Options['emit']>

/** The fields that say which window a result is of. */
export const windowFields = ({ shape }: WindowOptions): readonly string[] =>
  shape === 'nested' ? ['window'] : ['window_start', 'window_end']

/** Whether a result can be emitted again, changed. */
export const canUpdate = ({ window, emit }: Options): boolean =>
  window?.session === undefined &&
  (emit === 'on_change' ||
    typeof emit === 'object' ||
    (window !== undefined && emit !== 'on_close' && window.allowed_lateness > 0))

/** Problems of options that no type is needed to see. */
export function problemsOf({ window, emit, forget_after: forgetAfter }: Options): Problem[] {
  if (forgetAfter !== undefined && (window || emit === undefined || forgetAfter === 0))
    return [
      {
        code: window || forgetAfter === 0 ? 'bad_value' : 'missing_option',
        message: window
          ? 'groups of a window are forgotten when it closes'
          : forgetAfter === 0
            ? 'groups cannot be forgotten at once'
            : 'without `emit`, groups are kept to the end of the input',
        at: ['forget_after'],
        hint: window
          ? 'remove `forget_after`; `allowed_lateness` says how long a window is kept'
          : forgetAfter === 0
            ? 'forget_after: 1d'
            : 'emit: on_change, or emit: { every: 10s }',
      },
    ]
  if (typeof emit === 'object' && emit.every === 0)
    return [
      {
        code: 'bad_value',
        message: 'results cannot be emitted all the time',
        at: ['emit', 'every'],
        hint: 'emit: on_change',
      },
    ]
  if (!window)
    return emit === 'on_end' || emit === 'on_close'
      ? [
          {
            code: 'missing_option',
            message: `\`emit: ${emit}\` refers to a window, and the step has none`,
            at: ['emit'],
            hint: 'emit: on_change, or emit: { every: 10s }',
          },
        ]
      : []
  const { tumbling, sliding, slide, session, zone, offset, late } = window
  const problems: Problem[] = []
  const report = (code: Problem['code'], key: string, message: string, hint?: string) =>
    problems.push({ code, message, at: ['window', key], hint })
  const kinds = (['tumbling', 'sliding', 'session'] as const).filter((kind) => window[kind] !== undefined)
  if (kinds.length !== 1)
    problems.push({
      code: kinds.length === 0 ? 'missing_option' : 'bad_value',
      message: kinds.length === 0 ? 'the window has no length' : `the window is both ${kinds.join(' and ')}`,
      at: kinds.length === 0 ? ['window'] : ['window', kinds[1]!],
      expected: 'one of `tumbling`, `sliding`, `session`',
    })
  for (const key of ['tumbling', 'sliding', 'slide', 'session'] as const)
    if (window[key] === 0) report('bad_value', key, 'a window cannot be empty')
  if (sliding !== undefined && slide === undefined)
    problems.push({
      code: 'missing_option',
      message: 'a sliding window says how often one begins',
      at: ['window', 'sliding'],
      hint: 'slide: 5m',
    })
  if (slide !== undefined && sliding === undefined) report('missing_option', 'slide', '`slide` belongs to `sliding`')
  if (sliding !== undefined && slide !== undefined && slide > sliding)
    report('bad_value', 'slide', 'records between two windows would be in none')
  const isCalendar = typeof tumbling === 'string'
  const wrongZone = checkZone(zone)
  if (wrongZone !== undefined) report('unknown_zone', 'zone', wrongZone)
  else if (zone !== 'UTC' && !isCalendar)
    report('bad_value', 'zone', 'only days, weeks and months have a time zone', 'tumbling: day')
  const length = typeof tumbling === 'number' ? tumbling : slide
  if (offset !== 0 && (length === undefined || offset >= length))
    report(
      'bad_value',
      'offset',
      isCalendar || session ? 'these windows have no offset' : 'the offset is not below the length',
    )
  if (late !== undefined && !isName(late))
    problems.push({
      code: 'bad_name',
      message: `\`${late}\` is not a valid name for an output`,
      at: ['window', 'late'],
      expected: 'letters, digits, `_` and `-`, starting with a letter or digit',
    })
  if (session !== undefined && emit !== undefined)
    problems.push({
      code: 'bad_value',
      message: 'a session is emitted once, when it closes',
      at: ['emit'],
      hint: 'remove `emit`',
    })
  return problems
}
