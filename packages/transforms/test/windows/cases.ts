/**
 * Random cases of windows: disorder, late records, several lanes that fall silent and come back, records from the
 * future, zones with DST, and many records exactly at the border where a window fires or closes or a record is late, or
 * a millisecond to either side.
 */
import { lanesModel } from './lanes.ts'
import { spansOf } from './spans.ts'

export interface Event {
  readonly id: string
  readonly time: number
  readonly arrival: number
  readonly g: string
  readonly v: number
}

export type Beat =
  | { readonly lane: string; readonly n: number }
  | { readonly caughtUp: readonly string[] }
  | { readonly passMs: number }

export interface WindowCase {
  readonly seed: number
  readonly window: {
    readonly tumbling?: number | 'day' | 'week' | 'month'
    readonly sliding?: number
    readonly slide?: number
    readonly session?: number
    readonly zone?: string
    readonly offset?: number
    readonly allowed_lateness?: number
  }
  readonly emit: 'on_end' | 'on_close' | 'on_change' | undefined
  readonly maxOutOfOrder: number
  /** Absent: lanes are never idle. */
  readonly idleAfter?: number
  /** Absent: no record is too far ahead. */
  readonly maxFuture?: number
  readonly lanes: Readonly<Record<string, readonly Event[]>>
  /** How the lanes are read by the first process. */
  readonly script: readonly Beat[]
}

/** Numbers from 0 to 1, the same for the same seed. */
export function random(seed: number): () => number {
  let state = (seed * 2654435761 + 1) | 0
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32
  }
}

/** It is bad, and moves nothing. */
export const isAhead = ({ maxFuture = Number.POSITIVE_INFINITY }: WindowCase, { time, arrival }: Event): boolean =>
  time > arrival + maxFuture

const hour = 3_600_000
/** Days in which clocks change, in zones where they do it at different times of the day. */
const changes = [
  ['Europe/Berlin', '2025-03-29T20:00Z'],
  ['Europe/Berlin', '2025-10-25T20:00Z'],
  ['America/New_York', '2025-11-01T20:00Z'],
  ['Africa/Cairo', '2024-04-25T12:00Z'],
  ['America/Santiago', '2024-09-07T18:00Z'],
  ['America/Santiago', '2025-04-05T18:00Z'],
  ['Australia/Lord_Howe', '2025-04-05T06:00Z'],
  ['Asia/Kolkata', '2025-01-31T10:00Z'],
] as const

type Draw = (below: number) => number

export function caseOf(seed: number): WindowCase {
  const next = random(seed)
  const int: Draw = (below) => Math.floor(next() * below)
  const kind = ['tumbling', 'tumbling', 'sliding', 'session', 'session', 'calendar'][int(6)]!
  const unit = kind === 'calendar' ? hour : 1
  const allowed = (next() < 0.5 ? int(40) : 0) * unit
  const maxOutOfOrder = int(30) * unit
  const { window: length, origin } = windowOf(kind, next, int)
  const window = { ...length, allowed_lateness: allowed }
  const emit = kind === 'session' ? undefined : (['on_end', 'on_close', 'on_change', undefined] as const)[int(4)]
  const idleAfter = next() < 0.35 ? 3 + int(10) : undefined
  const maxFuture = next() < 0.2 ? int(50) * unit : undefined
  const names = ['p0', 'p1', 'p2'].slice(0, idleAfter === undefined ? 1 + int(3) : 2 + int(2))
  const rules = {
    seed,
    window,
    emit,
    maxOutOfOrder,
    ...(idleAfter === undefined ? {} : { idleAfter }),
    ...(maxFuture === undefined ? {} : { maxFuture }),
  }
  return { ...rules, ...story(rules, names, origin, unit, next, int) }
}

function windowOf(kind: string, next: () => number, int: Draw): Pick<WindowCase, 'window'> & { origin: number } {
  const origin = 1000 + int(1000)
  if (kind === 'tumbling') {
    const tumbling = 10 + int(50)
    return { origin, window: { tumbling, offset: next() < 0.3 ? int(tumbling) : 0 } }
  }
  if (kind === 'sliding') {
    const slide = 4 + int(12)
    const sliding = slide * (1 + int(4)) + (next() < 0.3 ? int(slide) : 0)
    return { origin, window: { sliding, slide, offset: next() < 0.3 ? int(slide) : 0 } }
  }
  if (kind === 'session') return { origin, window: { session: 3 + int(20) } }
  const [zone, from] = changes[int(changes.length)]!
  const tumbling = (['day', 'day', 'week', 'month'] as const)[int(4)]!
  return { origin: Date.parse(from.replace('Z', ':00Z')), window: { tumbling, zone } }
}

/** The records of the lanes, and in which order they come. */
function story(
  rules: Omit<WindowCase, 'lanes' | 'script'>,
  names: readonly string[],
  origin: number,
  unit: number,
  next: () => number,
  int: Draw,
): Pick<WindowCase, 'lanes' | 'script'> {
  const { window, maxOutOfOrder, idleAfter, maxFuture } = rules
  const allowed = window.allowed_lateness!
  const gap = window.session
  const size = typeof window.tumbling === 'number' ? window.tumbling : (window.sliding ?? gap ?? 24)
  const lanes = Object.fromEntries(names.map((name) => [name, [] as Event[]]))
  const model = lanesModel(names, maxOutOfOrder, idleAfter)
  const script: Beat[] = []
  const say = (lane: string, ...times: number[]) => {
    const events = times.map((time, i): Event => {
      const number = lanes[lane]!.length + i
      // Within the border, exactly at it, or a millisecond beyond it.
      const age = maxFuture === undefined ? 0 : next() < 0.15 ? maxFuture + int(2) : int(maxFuture + 1)
      return { id: `${lane}-${number}`, time, arrival: time - age, g: ['a', 'b', 'c'][int(3)]!, v: int(1_000_000) }
    })
    lanes[lane]!.push(...events)
    script.push({ lane, n: events.length })
    model.take(
      lane,
      events.filter((each) => !isAhead(rules as WindowCase, each)).map(({ time }) => time),
    )
  }
  const start = new Map(names.map((name) => [name, origin + int(20) * unit]))
  const highOf = (lane: string) => Math.max(model.high(lane), start.get(lane)!)
  const anyTime = (high: number): number => {
    const draw = next()
    if (draw < 0.7) return high + int(Math.max(2, size / 3)) * unit
    if (draw < 0.93) return high - int(maxOutOfOrder / unit + 2) * unit
    return Math.max(high - int(200) * unit, origin - 500 * unit)
  }
  /** The end of the last window that holds a time, and a time that is in that window and in no later one. */
  const lastOf = (time: number) => {
    const [begin, end] = spansOf(window, time).at(-1)!
    const inside = end - 1 - int(Math.min(window.slide ?? Number.POSITIVE_INFINITY, end - begin))
    return { end, inside }
  }
  /** One ms before a border, at it, or one ms beyond. */
  const near = () => int(3) - 1
  const fires = (lane: string, closes: boolean) => {
    const high = highOf(lane)
    if (gap !== undefined) return say(lane, high + 2 * gap + allowed + maxOutOfOrder + near())
    const { end } = lastOf(high)
    say(lane, end + maxOutOfOrder + (closes ? allowed : 0) + near())
  }
  const late = (lane: string) => {
    const high = highOf(lane)
    if (gap !== undefined) return say(lane, high - maxOutOfOrder - allowed - gap + near())
    const { end, inside } = lastOf(high)
    say(lane, end + allowed + maxOutOfOrder + near(), inside)
  }
  /** A lane comes back from idleness to a window that is closed, or closes next. */
  const back = () => {
    const [only, ...others] = model.active
    const idle = names.filter((name) => model.isIdle(name))
    if (only === undefined || others.length > 0 || idle.length === 0) return
    const lane = idle[int(idle.length)]!
    const high = highOf(only)
    if (gap !== undefined) {
      say(only, high + int(size))
      return say(lane, model.reached - allowed - gap + 1 + near())
    }
    const { end, inside } = lastOf(high)
    say(only, end + allowed + maxOutOfOrder + near())
    say(lane, inside)
  }
  const most = 15 + int(20)
  while (names.some((name) => lanes[name]!.length < most)) {
    const draw = next()
    const lane = names[int(names.length)]!
    if (idleAfter !== undefined && draw < 0.25) {
      const quiet = names.filter(() => next() < 0.6)
      if (quiet.length > 0) script.push({ caughtUp: quiet })
      model.caughtUp(quiet)
      const passMs = Math.max(1, next() < 0.7 ? idleAfter + near() : int(idleAfter))
      script.push({ passMs })
      for (let ms = 0; ms < passMs; ms++) model.passMs()
      if (next() < 0.6) back()
    } else if (draw < 0.33) fires(lane, false)
    else if (draw < 0.39) fires(lane, true)
    else if (draw < 0.45) late(lane)
    else {
      let high = highOf(lane)
      const times = Array.from({ length: 1 + int(4) }, () => {
        const time = anyTime(high)
        high = Math.max(high, time)
        return time
      })
      say(lane, ...times)
    }
  }
  return { lanes, script }
}
