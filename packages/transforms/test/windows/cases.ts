/** Random cases of windows: disorder, late records, several lanes, borders to the millisecond, zones with DST. */

export interface Event {
  readonly id: string
  readonly time: number
  readonly g: string
  readonly v: number
}

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
  readonly lanes: Readonly<Record<string, readonly Event[]>>
}

/** Numbers from 0 to 1, the same for the same seed. */
export function random(seed: number): () => number {
  let state = (seed * 2654435761 + 1) | 0
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32
  }
}

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

export function caseOf(seed: number): WindowCase {
  const next = random(seed)
  const int = (below: number) => Math.floor(next() * below)
  const kind = ['tumbling', 'tumbling', 'sliding', 'session', 'calendar'][int(5)]!
  const allowed = next() < 0.5 ? int(40) : 0
  const maxOutOfOrder = int(30)
  const unit = kind === 'calendar' ? hour : 1
  let origin = 1000 + int(1000)
  let window: WindowCase['window']
  if (kind === 'tumbling') {
    const tumbling = 10 + int(50)
    window = { tumbling, offset: next() < 0.3 ? int(tumbling) : 0 }
  } else if (kind === 'sliding') {
    const slide = 4 + int(12)
    window = {
      sliding: slide * (1 + int(4)) + (next() < 0.3 ? int(slide) : 0),
      slide,
      offset: next() < 0.3 ? int(slide) : 0,
    }
  } else if (kind === 'session') window = { session: 3 + int(20) }
  else {
    const [zone, from] = changes[int(changes.length)]!
    origin = Date.parse(from.replace('Z', ':00Z'))
    window = { tumbling: (['day', 'day', 'week', 'month'] as const)[int(4)]!, zone }
  }
  const emit = kind === 'session' ? undefined : (['on_end', 'on_close', 'on_change', undefined] as const)[int(4)]
  const size = typeof window.tumbling === 'number' ? window.tumbling : (window.sliding ?? window.session ?? 24)
  const names = ['p0', 'p1', 'p2'].slice(0, 1 + int(3))
  const lanes = Object.fromEntries(
    names.map((name) => {
      let high = origin + int(20) * unit
      const events = Array.from({ length: 15 + int(35) }, (_, i): Event => {
        const draw = next()
        let time: number
        if (draw < 0.6) time = high + int(Math.max(2, size / 3)) * unit
        else if (draw < 0.8) time = high - int(maxOutOfOrder + 2) * unit
        else if (draw < 0.9) {
          // Exactly at the border of being late for its window, or a millisecond to either side.
          const border = high - maxOutOfOrder * unit - allowed * unit
          time = border + (int(3) - 1) - (next() < 0.5 ? size * unit : 0)
          if (typeof window.tumbling === 'number') {
            const end = Math.floor((border - window.offset!) / size) * size + window.offset!
            time = end + (int(3) - 1)
          }
        } else time = high - int(200) * unit
        time = Math.max(time, origin - 500 * unit)
        high = Math.max(high, time)
        return { id: `${name}-${i}`, time, g: ['a', 'b', 'c'][int(3)]!, v: int(1_000_000) }
      })
      return [name, events]
    }),
  )
  return {
    seed,
    window: { ...window, allowed_lateness: allowed * unit },
    emit,
    maxOutOfOrder: maxOutOfOrder * unit,
    lanes,
  }
}
