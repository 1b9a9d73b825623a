/** `parse_dates`: text in declared formats becomes timestamps, or text in one format. */
import {
  checkDateFormat,
  checkZone,
  compileDateFormatter,
  type DateChoices,
  dateReader,
  type DateReading,
  type DateRule,
  defineTransform,
  type Field,
  fieldReader,
  option,
  type Problem,
  type RecordType,
  type Type,
  typeText,
  whyNoDate,
} from '@millrace/core'
import { dateChoices } from './date-choices.ts'
import { lookUp, unchangedBut, withFields } from './fields.ts'
import { columnsWith, Passed, rowMaker } from './rows.ts'

const format = 'Letters of Java date formats (`M/d/yyyy H:mm`), or `iso`, `epoch_s`, `epoch_ms`.'
const formats = option.anyOf(
  [option.text(format), option.list(option.text(format), 'Several; the first that matches wins.', { min: 1 })],
  'The formats of the text.',
)

const options = option.map(
  option.anyOf(
    [
      option.text(format),
      option.list(option.text(format), 'Several; the first that matches wins.', { min: 1 }),
      option.object({
        formats: option.optional(formats),
        to: option.text('A format: the result is text. `timestamp`: an instant. `date`: a day.', {
          default: 'timestamp',
          example: 'yyyy-MM-dd HH:mm:ss',
        }),
        zone: option.text('The time zone of the text and the result.', { default: 'UTC', example: 'Europe/Berlin' }),
        ...dateChoices,
      }),
    ],
    'The formats of one field.',
  ),
  'Fields and their formats.',
  { example: { InvoiceDate: { formats: ['M/d/yyyy H:mm'], to: 'yyyy-MM-dd HH:mm:ss' } } },
)

type Config =
  | string
  | readonly string[]
  | (DateChoices & {
      readonly formats?: string | readonly string[] | undefined
      readonly to?: string
      readonly zone?: string
    })

/** The rule of one field, with shorthands expanded. */
interface Rule extends DateReading {
  /** The paths of the formats inside the field's config. */
  readonly at: (i: number) => readonly (string | number)[]
  readonly to: string
}

function ruleOf(config: Config): Rule {
  if (typeof config === 'string') return { formats: [config], at: () => [], to: 'timestamp', zone: 'UTC' }
  if (Array.isArray(config)) return { formats: config, at: (i) => [i], to: 'timestamp', zone: 'UTC' }
  const {
    formats: given = [],
    to = 'timestamp',
    zone = 'UTC',
    ...choices
  } = config as Exclude<Config, string | readonly string[]>
  return typeof given === 'string'
    ? { ...choices, formats: [given], at: () => ['formats'], to, zone }
    : { ...choices, formats: given, at: (i) => ['formats', i], to, zone }
}

/** How the rule's text is read. */
const readingOf = (rule: Rule): DateReading => {
  const { formats, zone, fold, fraction } = rule
  const to = target(rule)
  return {
    formats,
    zone,
    to,
    fold,
    fraction,
  }
}

/** `to` as a format; undefined: an instant. */
const target = (rule: Rule): string | undefined =>
  rule.to === 'timestamp' ? undefined : rule.to === 'date' ? 'yyyy-MM-dd' : rule.to
const resultType = (rule: Rule): Type => ({
  kind: rule.to === 'timestamp' ? 'timestamp' : rule.to === 'date' ? 'date' : 'string',
})

export const parseDates = defineTransform({
  kind: 'transform',
  type: 'parse_dates',
  summary: 'Reads dates in declared formats; text that matches none is a data error.',
  oneForOne: true,
  options,

  infer(config, { input }) {
    const problems: Problem[] = []
    const changes = new Map<string, Field>()
    for (const [name, given] of Object.entries(config)) {
      const rule = ruleOf(given as Config)
      const field = lookUp(input, name, [name], problems, true)
      checkRule(rule, name, problems)
      if (!field) continue
      checkInput(rule, name, field.type, problems)
      changes.set(name, { type: resultType(rule), optional: field.optional })
    }
    return {
      output: withFields(input, changes),
      problems,
      unchanged: unchangedBut(input, Object.keys(config)),
      push(columns, step) {
        // A pushdown lists its columns, so it would lose fields that are not in the schema.
        if (input.open) return undefined
        const textOnly = Object.keys(config).every(
          (name) => input.fields[name]?.type.kind === 'string' && !columns.find((column) => column.name === name)?.date,
        )
        if (!textOnly) return undefined
        const names = Object.keys(config)
        const before = columns.reduce((most, { date }) => Math.max(most, (date?.order ?? -1) + 1), 0)
        return columns.map((column) => {
          if (!Object.hasOwn(config, column.name)) return column
          const rule = ruleOf(config[column.name] as Config)
          const order = before + names.indexOf(column.name)
          const date: DateRule = { step, ...readingOf(rule), field: column.name, order }
          return { ...column, date }
        })
      },
    }
  },

  create(config, { input }) {
    const names = Object.keys(config)
    const fields = names.map((name) => conversion(name, ruleOf(config[name] as Config), input))
    const make = rowMaker(columnsWith(input, names), input, true)
    const values = new Array<unknown>(names.length)
    return {
      apply({ rows }, out) {
        const passed = new Passed(rows.length)
        records: for (let i = 0; i < rows.length; i++) {
          const row = rows[i]!
          for (let k = 0; k < fields.length; k++) {
            const { name, read, convert, why } = fields[k]!
            const value = read(row)
            if (value === null) values[k] = null
            else {
              const result = convert(value)
              if (result === undefined) {
                out.fail(i, 'bad_date', { field: name, message: why(value) })
                continue records
              }
              values[k] = result
            }
          }
          passed.add(make(row, values), i)
        }
        return passed.done()
      },
    }
  },
})

const shown = (value: unknown): string => {
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value)
  return text.length <= 80 ? text : `${text.slice(0, 60)}...`
}

function checkRule(rule: Rule, name: string, problems: Problem[]): void {
  for (const [i, text] of rule.formats.entries()) {
    const wrong = checkDateFormat(text)
    if (wrong) problems.push({ code: 'bad_date_format', message: wrong, at: [name, ...rule.at(i)] })
  }
  const to = target(rule)
  const wrong = to === undefined ? undefined : checkDateFormat(to, 'print')
  if (wrong) problems.push({ code: 'bad_date_format', message: wrong, at: [name, 'to'] })
  const zone = checkZone(rule.zone)
  if (zone) problems.push({ code: 'unknown_zone', message: zone, at: [name, 'zone'] })
}

function checkInput(rule: Rule, name: string, type: Type, problems: Problem[]): void {
  const wrong = (message: string, hint: string) =>
    problems.push({ code: 'wrong_type', message, at: [name], key: true, expected: 'string', got: typeText(type), hint })
  const isTime = type.kind === 'timestamp' || type.kind === 'date'
  if (isTime) {
    if (rule.formats.length)
      wrong(`\`${name}\` is already a ${type.kind}`, 'remove `formats`; `to` sets the output format')
    else if (rule.to === type.kind)
      wrong(`\`${name}\` is already a ${type.kind}`, 'remove it, or set the output format with `to`')
  } else if (type.kind === 'integer' || type.kind === 'bigint') {
    if (!rule.formats.length || rule.formats.some((text) => text !== 'epoch_s' && text !== 'epoch_ms'))
      wrong(`\`${name}\` is a number`, 'only `epoch_s` and `epoch_ms` read numbers')
  } else if (type.kind !== 'string') {
    wrong(`\`${name}\` is not text`, 'dates are read from text')
  } else if (!rule.formats.length) {
    problems.push({
      code: 'missing_key',
      message: `\`formats\` of \`${name}\` is missing`,
      at: [name],
      hint: 'formats: ["M/d/yyyy H:mm"]',
    })
  }
}

// At the very ends of the calendar, local time in another zone has a year without a text form.
function printed(print: (ms: number) => string, ms: number): string | undefined {
  try {
    return print(ms)
  } catch {
    return undefined
  }
}

interface DateConversion {
  readonly name: string
  readonly read: (row: Readonly<Record<string, unknown>>) => unknown
  /** undefined: it matches no format, or there is no such time. */
  readonly convert: (value: unknown) => string | number | undefined
  readonly why: (value: unknown) => string
}

function conversion(name: string, rule: Rule, input: RecordType): DateConversion {
  const { kind } = input.fields[name]!.type
  const to = target(rule)
  const given = kind === 'date' ? ['yyyy-MM-dd'] : kind === 'timestamp' ? ['epoch_ms'] : rule.formats
  const read = fieldReader(name)
  if (kind === 'timestamp' && to !== undefined) {
    const print = compileDateFormatter(to, rule.zone)
    return {
      name,
      read,
      why: (value) => `${shown(value)} ms is not within the years 1 to 9999 in that time zone`,
      convert: (value) => printed(print, value as number),
    }
  }
  const reading = { ...readingOf(rule), formats: given }
  const convert = dateReader(reading)
  const why = (value: unknown) => whyNoDate(reading, String(value), shown(value))
  if (kind === 'string' || kind === 'date')
    return { name, read, why, convert: convert as (value: unknown) => string | number | undefined }
  return { name, read, why, convert: (value) => convert(String(value)) }
}
