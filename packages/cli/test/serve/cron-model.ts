/** A cron expression read minute by minute, as a person would: what a schedule is compared with. */

const minute = 60_000

interface Fields {
  readonly minutes: ReadonlySet<number>
  readonly hours: ReadonlySet<number>
  readonly days: ReadonlySet<number>
  readonly months: ReadonlySet<number>
  readonly weekdays: ReadonlySet<number>
  readonly anyDay: boolean
  readonly anyWeekday: boolean
  readonly followsClock: boolean
}

function valuesOf(field: string, low: number, high: number): ReadonlySet<number> {
  const values = new Set<number>()
  for (const part of field.split(',')) {
    const [range, step = '1'] = part.split('/') as [string, string?]
    const [from, to = from] = range === '*' ? [String(low), String(high)] : (range.split('-') as [string, string?])
    for (let value = Number(from); value <= Number(to); value += Number(step)) values.add(value)
  }
  return values
}

function read(text: string): Fields {
  const [minutes, hours, days, months, weekdays] = text.split(' ') as [string, string, string, string, string]
  return {
    minutes: valuesOf(minutes, 0, 59),
    hours: valuesOf(hours, 0, 23),
    days: valuesOf(days, 1, 31),
    months: valuesOf(months, 1, 12),
    weekdays: valuesOf(weekdays, 0, 6),
    anyDay: days === '*',
    anyWeekday: weekdays === '*',
    followsClock: hours.startsWith('*'),
  }
}

/** `wall`: what the clock shows, as if it were UTC. */
function matches(fields: Fields, wall: number): boolean {
  const at = new Date(wall)
  const isDay = fields.days.has(at.getUTCDate())
  const isWeekday = fields.weekdays.has(at.getUTCDay())
  const onDay = fields.anyDay || fields.anyWeekday ? isDay && isWeekday : isDay || isWeekday
  return (
    onDay &&
    fields.minutes.has(at.getUTCMinutes()) &&
    fields.hours.has(at.getUTCHours()) &&
    fields.months.has(at.getUTCMonth() + 1)
  )
}

/** What clocks of a zone show at each minute of a span of time, by the platform's tables. */
export function wallClock(zone: string, fromMs: number, toMs: number): ReadonlyMap<number, number> {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'short' })
  const shown = new Map<number, number>()
  for (let at = fromMs; at <= toMs; at += minute) shown.set(at, Date.parse(`${format.format(at).replace(' ', 'T')}Z`))
  return shown
}

/** The instants of a cron expression within that span, in order. */
export function instantsOf(text: string, shown: ReadonlyMap<number, number>): number[] {
  const fields = read(text)
  const found = new Set<number>()
  const seen = new Set<number>()
  let before: number | undefined
  for (const [at, wall] of shown) {
    if (fields.followsClock) {
      if (matches(fields, wall)) found.add(at)
      continue
    }
    // Times that were skipped come when the clock is set forward, those that come again only the first time.
    for (let skipped = (before ?? wall) + minute; skipped < wall; skipped += minute)
      if (!seen.has(skipped) && matches(fields, skipped)) found.add(at)
    if (!seen.has(wall) && matches(fields, wall)) found.add(at)
    seen.add(wall)
    before = wall
  }
  return [...found].toSorted((a, b) => a - b)
}
