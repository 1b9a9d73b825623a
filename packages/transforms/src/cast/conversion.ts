/**
 * Conversions between types. Text converts to any type by its declared form, and every scalar converts to text. Between
 * numbers only exact conversions succeed: a number with a fraction is not an integer, a decimal of 20 digits is not a
 * double. json is read like JSON text, and everything becomes json as it would be written there.
 */
import {
  compileDateParser,
  DataError,
  dateReader,
  type DateReading,
  type Field,
  fieldText,
  floorMs,
  fromJson,
  fromText,
  compileDateFormatter,
  isKeyType,
  isNested,
  mapValues,
  type RecordType,
  type Row,
  sameType,
  toJson,
  toText,
  type Type,
  typeText,
  unitsPerMs,
  whyNoDate,
} from '@millrace/core'

export type Conversion =
  | { readonly convert: (value: unknown) => unknown }
  | { readonly wrong: string; readonly hint?: string }

/**
 * The conversion of values that are not null, which throws `DataError`; or why there is none. `dates`: how they are
 * written, if text or numbers become dates or instants.
 */
export function conversionOf(from: Type, to: Type, dates: DateReading): Conversion {
  if (isInstant(from) && isInstant(to) && dates.formats.length === 0) return { convert: digits(from, to, dates) }
  if (isDate(to) && !isDate(from) && from.kind !== 'fine_timestamp') return toDate(from, to, dates)
  if (dates.formats.length > 0)
    return { wrong: `\`formats\` are date formats; ${typeText(from)} to ${typeText(to)} needs none` }
  if (sameType(from, to)) return { convert: (value) => value }
  if (from.kind === 'string') return { convert: (value) => read(fromText(to), value) }
  if (to.kind === 'string' && isKeyType(from)) return { convert: toText(from) }
  if (to.kind === 'json') return { convert: toJson(from) }
  if (from.kind === 'json') return { convert: fromJson(to) }
  if (isDate(from) || from.kind === 'fine_timestamp') return fromDate(from, to, dates)
  if (isNumber(from) && isNumber(to)) return { convert: numeric(from, to) }
  if (isNested(from) && isNested(to) && from.kind === to.kind) return nested(from, to.of, dates)
  if (from.kind === 'object' && to.kind === 'map' && !from.record.open) return members(from.record, to.of, dates)
  return {
    wrong: `${typeText(from)} cannot become ${typeText(to)}`,
    hint: to.kind === 'string' ? 'cast it to json, or extract a field of it with `set`' : undefined,
  }
}

type Nested = Extract<Type, { readonly of: Field }>
const isDate = (type: Type): boolean => type.kind === 'date' || type.kind === 'timestamp'
type Instant = Extract<Type, { kind: 'timestamp' | 'fine_timestamp' }>
const isInstant = (type: Type): type is Instant => type.kind === 'timestamp' || type.kind === 'fine_timestamp'

/** Between instants of other digits: finer ones are an error, or cut off where that is declared. */
function digits(from: Instant, to: Instant, { fraction }: DateReading): (value: unknown) => unknown {
  const [own, other] = [perMs(from), perMs(to)]
  return (value) => {
    const units = BigInt(value as number | bigint)
    const rest = other < own ? ((units % (own / other)) + own / other) % (own / other) : 0n
    if (rest !== 0n && fraction !== 'truncate')
      throw new DataError(
        'out_of_range',
        `${units} as ${typeText(from)} has digits that ${typeText(to)} cannot hold: \`fraction: truncate\` cuts them off`,
      )
    const made = other < own ? (units - rest) / (own / other) : units * (other / own)
    if (to.kind === 'timestamp') return Number(made)
    if (BigInt.asIntN(64, made) === made) return made
    throw new DataError('out_of_range', `${units} as ${typeText(from)} does not fit in 64 bits as ${typeText(to)}`)
  }
}

const perMs = (type: Instant): bigint => (type.kind === 'timestamp' ? 1n : unitsPerMs[type.precision])

const isNumber = (type: Type): boolean =>
  type.kind === 'integer' || type.kind === 'bigint' || type.kind === 'number' || type.kind === 'decimal'
const read = (convert: (text: string) => unknown, value: unknown): unknown => convert(value as string)

function toDate(from: Type, to: Type, dates: DateReading): Conversion {
  const { formats } = dates
  const whole = from.kind === 'integer' || from.kind === 'bigint'
  if (from.kind === 'json')
    return formats.length
      ? { wrong: 'in json, dates are text', hint: 'cast it to string first' }
      : { convert: fromJson(to) }
  if (from.kind !== 'string' && !whole) return { wrong: `${typeText(from)} cannot become ${typeText(to)}` }
  if (formats.length === 0) {
    if (from.kind === 'string') return { convert: (value) => read(fromText(to), value) }
    return { wrong: 'the unit of the number is missing', hint: 'formats: epoch_ms, or epoch_s' }
  }
  if (whole && formats.some((format) => format !== 'epoch_s' && format !== 'epoch_ms'))
    return { wrong: 'only `epoch_s` and `epoch_ms` read numbers' }
  const reading: DateReading = to.kind === 'timestamp' ? dates : { ...dates, to: 'yyyy-MM-dd' }
  const parse = dateReader(reading)
  return {
    convert(value) {
      const text = String(value)
      const result = parse(text)
      if (result === undefined) throw new DataError('bad_date', whyNoDate(reading, text, shown(text)))
      return result
    },
  }
}

function fromDate(from: Type, to: Type, { zone }: DateReading): Conversion {
  if (from.kind === 'timestamp' && to.kind === 'date') return { convert: dayOf(zone) }
  if (from.kind === 'fine_timestamp') {
    if (to.kind === 'bigint') return { convert: (value) => value }
    const day = dayOf(zone)
    if (to.kind === 'date') return { convert: (value) => day(floorMs(value as bigint, from.precision)) }
  }
  if (from.kind === 'date' && to.kind === 'timestamp') {
    const parse = compileDateParser(['yyyy-MM-dd'], zone)
    return {
      convert(value) {
        const ms = parse(value as string)
        if (ms === undefined) throw new DataError('bad_date', `${shown(value)} has no midnight in ${zone}`)
        return ms
      },
    }
  }
  if (from.kind === 'timestamp' && to.kind === 'integer') return { convert: (value) => value }
  if (from.kind === 'timestamp' && to.kind === 'bigint') return { convert: (value) => BigInt(value as number) }
  return { wrong: `${typeText(from)} cannot become ${typeText(to)}` }
}

function dayOf(zone: string): (value: unknown) => string {
  const print = compileDateFormatter('yyyy-MM-dd', zone)
  return (value) => {
    try {
      return print(value as number)
    } catch {
      throw new DataError('out_of_range', `${value} ms is not within the years 1 to 9999 in ${zone}`)
    }
  }
}

/** Between numbers: by way of exact text. */
function numeric(from: Type, to: Type): (value: unknown) => unknown {
  if (from.kind === 'integer' && to.kind === 'number') return (value) => value
  if (from.kind === 'integer' && to.kind === 'bigint') return (value) => BigInt(value as number)
  if (from.kind === 'integer') return (value) => read(fromText(to), String(value))
  if (from.kind === 'number') return fromJson(to)
  // bigint or decimal
  if (to.kind === 'number') return exactDouble
  const convert = fromText(to)
  return to.kind === 'decimal' ? (value) => convert(String(value)) : (value) => convert(whole(String(value)))
}

/** Digits without a fraction of zeros; other fractions stay, and are refused by the reader. */
const whole = (text: string): string => text.replace(/\.0+$/, '')

/** A bigint or decimal as a double of the same value: at most 15 digits, or one that prints identically. */
function exactDouble(value: unknown): number {
  const text = String(value)
  const double = Number(text)
  const digits = text
    .replace(/^-?0*\.?0*/, '')
    .replace('.', '')
    .replace(/0+$/, '')
  const same = digits.length <= 15 || (typeof value === 'bigint' && BigInt(double) === value)
  if (!same) throw new DataError('out_of_range', `${text} has more digits than a number can represent`)
  return double
}

function nested({ kind, of: from }: Nested, to: Field, dates: DateReading): Conversion {
  const item = itemConversion(from, to, dates)
  if ('wrong' in item) return item
  return kind === 'list'
    ? { convert: (value) => (value as readonly unknown[]).map((each, i) => item.convert(each, `[${i}]`)) }
    : { convert: (value) => mapValues(value as Row, item.convert) }
}

/** The fields of an object as the values of a map. */
function members({ fields }: RecordType, to: Field, dates: DateReading): Conversion {
  const reads: (readonly [string, Item])[] = []
  for (const [name, field] of Object.entries(fields)) {
    const item = itemConversion(field, to, dates)
    if ('wrong' in item) return { ...item, wrong: `${name}: ${item.wrong}` }
    reads.push([name, item.convert])
  }
  return {
    convert: (value) => Object.fromEntries(reads.map(([name, read]) => [name, read((value as Row)[name], name)])),
  }
}

type Item = (value: unknown, step: string) => unknown

/** The conversion of the values inside a list, a map or an object. `step`: how a path names one. */
function itemConversion(
  from: Field,
  to: Field,
  dates: DateReading,
): { readonly convert: Item } | Extract<Conversion, { wrong: string }> {
  if (from.optional && !to.optional)
    return { wrong: `items of type ${fieldText(from)} may be null, ${fieldText(to)} may not` }
  const item = conversionOf(from.type, to.type, dates)
  if ('wrong' in item) return item
  return {
    convert(each, step) {
      if (each === null || each === undefined) return null
      try {
        return item.convert(each)
      } catch (error) {
        if (!(error instanceof DataError)) throw error
        const rest = error.field === undefined || error.field.startsWith('[') ? (error.field ?? '') : `.${error.field}`
        throw new DataError(error.code, error.message, step + rest)
      }
    },
  }
}

const shown = (value: unknown): string => {
  const text = JSON.stringify(value)
  return text.length <= 80 ? text : `${text.slice(0, 60)}...`
}
