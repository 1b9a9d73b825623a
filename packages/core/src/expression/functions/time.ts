/** Functions on dates and timestamps. Those that depend on local time take a zone; the default is UTC. */
import { fromText, unitsPerMs } from '../../convert/index.ts'
import { type Type, typeText } from '../../schema/index.ts'
import type { Node } from '../check/typed.ts'
import {
  addDays,
  addMonths,
  type DatePart,
  dateOfTimestamp,
  datePart,
  daysBetween,
  durationMs,
  startOfDate,
  timestampOfMs,
  timestampPart,
} from '../values/time.ts'
import { type Form, type FunctionEntry, type Made, written } from './entry.ts'

const zoneOf = (node: Node | undefined): string => (written(node) as string | undefined) ?? 'UTC'
const same = (value: unknown): unknown => value

const ofTimestamp = (part: DatePart): Form => ({
  takes: 't: timestamp, zone?: zone',
  gives: 'integer',
  make: ([t, zone]): Made => ({
    args: [t!],
    operation: { name: 'timestamp part', parameters: [part, zoneOf(zone)], call: timestampPart(part, zoneOf(zone)) },
  }),
})
const ofDate = (part: DatePart): Form => ({
  takes: 'd: date',
  gives: 'integer',
  make: ([d]): Made => ({ args: [d!], operation: { name: 'date part', parameters: [part], call: datePart(part) } }),
})

const part = (
  name: string,
  part: DatePart,
  doc: string,
  flink: string,
  expected: string,
  isOfDay = false,
): FunctionEntry => ({
  name,
  group: 'time',
  doc,
  example: [`${name}(timestamp("2010-12-01T08:26:30.250Z"))`, expected],
  flink,
  forms: isOfDay ? [ofTimestamp(part)] : [ofTimestamp(part), ofDate(part)],
})

/** A literal has the type that its digits need. */
function instantOfText([text]: readonly Node[]): Made {
  const digits = /[.,](\d+)/.exec(String(written(text) ?? ''))?.[1]?.length ?? 0
  const type: Type = digits > 3 ? { kind: 'fine_timestamp', precision: digits > 6 ? 9 : 6 } : { kind: 'timestamp' }
  return { type, args: [text!], operation: { name: `${typeText(type)} of text`, call: fromText(type) } }
}

/** The ms at or before an instant. */
function msOf(units: bigint, precision: 6 | 9): number {
  const perMs = unitsPerMs[precision]
  return Number((units - (((units % perMs) + perMs) % perMs)) / perMs)
}

export const timeFunctions: readonly FunctionEntry[] = [
  part('year', 'year', 'The year.', 'EXTRACT(YEAR FROM t)', '2010'),
  part('month', 'month', 'The month, 1 to 12.', 'EXTRACT(MONTH FROM t)', '12'),
  part('day', 'day', 'The day of the month, from 1.', 'EXTRACT(DAY FROM t)', '1'),
  part(
    'day_of_week',
    'weekday',
    'The day of the week, from 1 for Monday to 7 for Sunday.',
    'MOD(DAYOFWEEK(t) + 5, 7) + 1',
    '3',
  ),
  part('day_of_year', 'yearday', 'The day of the year, from 1.', 'EXTRACT(DOY FROM t)', '335'),
  part('hour', 'hour', 'The hour, 0 to 23.', 'EXTRACT(HOUR FROM t)', '8', true),
  part('minute', 'minute', 'The minute, 0 to 59.', 'EXTRACT(MINUTE FROM t)', '26', true),
  part('second', 'second', 'The second, 0 to 59.', 'EXTRACT(SECOND FROM t)', '30', true),
  part('millisecond', 'ms', 'The millisecond, 0 to 999.', 'EXTRACT(MILLISECOND FROM t)', '250', true),
  {
    name: 'timestamp',
    group: 'time',
    doc: 'An instant: from ISO 8601 text with a zone, from ms since 1970 in UTC, or the beginning of a date. A literal with more than three digits of the second is a timestamp(6) or timestamp(9); these become a timestamp by leaving digits out.',
    example: ['timestamp("2010-12-01T08:26:00+01:00")', '"2010-12-01T07:26:00.000Z"'],
    flink: 'TO_TIMESTAMP_LTZ(ms, 3)',
    forms: [
      { takes: 'text: string', gives: 'timestamp, or as fine as a literal is', make: instantOfText },
      { takes: 'ms: integer', gives: 'timestamp', call: timestampOfMs },
      { takes: 't: timestamp', gives: 'timestamp', call: same },
      ...([6, 9] as const).map((precision) => ({
        takes: `t: timestamp(${precision})`,
        gives: 'timestamp',
        call: (t: bigint) => msOf(t, precision),
      })),
      {
        takes: 'd: date, zone?: zone',
        gives: 'timestamp',
        make: ([d, zone]) => ({
          args: [d!],
          operation: { name: 'start of date', parameters: [zoneOf(zone)], call: startOfDate(zoneOf(zone)) },
        }),
      },
    ],
  },
  {
    name: 'time',
    group: 'time',
    doc: 'A time of day, from text HH:mm or HH:mm:ss.',
    example: ['time("08:26")', '"08:26:00"'],
    flink: 'CAST(text AS TIME)',
    forms: [
      { takes: 'text: string', gives: 'time', call: fromText({ kind: 'time' }) },
      { takes: 't: time', gives: 'time', call: same },
    ],
  },
  {
    name: 'date',
    group: 'time',
    doc: 'A date: from text yyyy-MM-dd, or the date of a timestamp.',
    example: ['date(timestamp("2010-12-01T23:30:00Z"), "Europe/Berlin")', '"2010-12-02"'],
    flink: 'CAST(t AS DATE)',
    forms: [
      { takes: 'text: string', gives: 'date', call: fromText({ kind: 'date' }) },
      { takes: 'd: date', gives: 'date', call: same },
      {
        takes: 't: timestamp, zone?: zone',
        gives: 'date',
        make: ([t, zone]) => ({
          args: [t!],
          operation: { name: 'date of timestamp', parameters: [zoneOf(zone)], call: dateOfTimestamp(zoneOf(zone)) },
        }),
      },
    ],
  },
  {
    name: 'epoch_ms',
    group: 'time',
    doc: 'The ms since 1970-01-01T00:00Z.',
    example: ['epoch_ms(timestamp("1970-01-01T00:00:01Z"))', '1000'],
    flink: 'UNIX_TIMESTAMP(t) * 1000 + EXTRACT(MILLISECOND FROM t)',
    forms: [{ takes: 't: timestamp', gives: 'integer', call: same }],
  },
  {
    name: 'duration',
    group: 'time',
    doc: 'A duration as whole ms, from text with the units ms, s, m, h, d. Add it to a timestamp, or compare it with the difference of two, which is also in ms.',
    example: ['duration("1h30m")', '5400000'],
    flink: "INTERVAL '1' HOUR",
    forms: [{ takes: 'text: string', gives: 'integer', call: durationMs }],
  },
  {
    name: 'add_days',
    group: 'time',
    doc: 'The date some days later, or before for a negative number.',
    example: ['add_days(date("2012-02-28"), 2)', '"2012-03-01"'],
    flink: 'TIMESTAMPADD(DAY, days, d)',
    forms: [{ takes: 'd: date, days: integer', gives: 'date', call: addDays }],
  },
  {
    name: 'add_months',
    group: 'time',
    doc: 'The same day some months later; the last day of the month if there is no such day.',
    example: ['add_months(date("2012-01-31"), 1)', '"2012-02-29"'],
    flink: 'TIMESTAMPADD(MONTH, months, d)',
    forms: [{ takes: 'd: date, months: integer', gives: 'date', call: addMonths }],
  },
  {
    name: 'days_between',
    group: 'time',
    doc: 'Days from one date to another; negative if the second is earlier.',
    example: ['days_between(date("2012-02-28"), date("2012-03-01"))', '2'],
    flink: 'TIMESTAMPDIFF(DAY, from, to)',
    forms: [{ takes: 'from: date, to: date', gives: 'integer', call: daysBetween }],
  },
]
