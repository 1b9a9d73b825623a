/**
 * Lanes and the watermark, by what the lanes said: which records they delivered, when they had nothing more, how much
 * time passed, and where a process was killed and started again. It shares no code with the engine.
 */

/** What was said, in order. */
export type Said =
  /** Records of a lane, from an index to before another. */
  | { readonly lane: string; readonly from: number; readonly to: number }
  /** These lanes have nothing more at the moment. */
  | { readonly caughtUp: readonly string[] }
  /** A millisecond passed while the lanes were asked. */
  | 'ms'
  | { readonly ended: string }
  | 'restart'

interface Lane {
  high: number
  isIdle: boolean
  hasEnded: boolean
  /** How long it has been quiet, ms; undefined: it may have more. */
  quietMs: number | undefined
}

export interface LanesModel {
  /** The watermark, which never goes back. */
  readonly reached: number
  high(lane: string): number
  isIdle(lane: string): boolean
  /** Those that hold the watermark. */
  readonly active: readonly string[]
  /** Records are taken: their times, in order. */
  take(lane: string, times: readonly number[]): void
  caughtUp(lanes: readonly string[]): void
  /** Returns whether a lane has become idle. */
  passMs(): boolean
  end(lane: string): void
  restart(): void
}

export function lanesModel(names: readonly string[], maxOutOfOrder: number, idleAfter: number | undefined): LanesModel {
  const lanes = new Map<string, Lane>()
  for (const name of names)
    lanes.set(name, { high: Number.NEGATIVE_INFINITY, isIdle: false, hasEnded: false, quietMs: undefined })
  let reached = Number.NEGATIVE_INFINITY
  const active = () => [...lanes].filter(([, { isIdle, hasEnded }]) => !isIdle && !hasEnded)
  const move = () => {
    const highs = active().map(([, { high }]) => high)
    const ended = [...lanes.values()].filter(({ hasEnded }) => hasEnded).map(({ high }) => high)
    const high = highs.length > 0 ? Math.min(...highs) : Math.max(...ended)
    reached = Math.max(reached, high - maxOutOfOrder - 1)
  }
  return {
    get reached() {
      return reached
    },
    high: (lane) => lanes.get(lane)!.high,
    isIdle: (lane) => lanes.get(lane)!.isIdle,
    get active() {
      return active().map(([name]) => name)
    },
    take(name, times) {
      const lane = lanes.get(name)!
      Object.assign(lane, { isIdle: false, quietMs: undefined, high: Math.max(lane.high, ...times) })
      move()
    },
    caughtUp(names) {
      for (const name of names) lanes.get(name)!.quietMs ??= 0
    },
    passMs() {
      let isNew = false
      for (const [, lane] of active()) {
        if (lane.quietMs === undefined || idleAfter === undefined || ++lane.quietMs < idleAfter) continue
        lane.isIdle = isNew = true
      }
      if (isNew) move()
      return isNew
    },
    end(name) {
      lanes.get(name)!.hasEnded = true
      move()
    },
    restart() {
      // Downtime does not count, and a lane that had ended may have more.
      for (const lane of lanes.values()) Object.assign(lane, { hasEnded: false, quietMs: undefined })
    },
  }
}
