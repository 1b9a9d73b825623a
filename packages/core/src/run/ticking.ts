/** The tick of a component: often while it has something to save, seldom while it is idle, which then costs no CPU. */
import type { Clock } from '../clock.ts'

/** How much longer the time between two ticks is while it is idle: lanes become idle as much later, and timers due. */
const idleTicks = 20

export interface TickingContext {
  readonly clock: Clock
  /** Between two ticks while it is not idle, in ms. */
  readonly everyMs: number
  readonly isIdle: () => boolean
  readonly tick: () => void
}

export interface Ticking {
  /** There is something to save: the next tick comes within `everyMs`. */
  soon(): void
  stop(): void
}

export function startTicking({ clock, everyMs, isIdle, tick }: TickingContext): Ticking {
  let isSlow = false
  const next = (): (() => void) => {
    isSlow = isIdle()
    return clock.after(isSlow ? idleTicks * everyMs : everyMs, () => {
      cancel = next()
      tick()
    })
  }
  let cancel = next()
  return {
    soon() {
      if (!isSlow || isIdle()) return
      cancel()
      cancel = next()
    },
    stop: () => cancel(),
  }
}
