/** The tick of a component: often while it has something to save, seldom while it is idle, which then costs no CPU. */
import type { Clock } from '../clock.ts'

/** How much longer the time between two ticks is while it is idle: requests and due rolls are noticed as much later. */
const idleTicks = 20

export interface TickingContext {
  readonly clock: Clock
  /** Between two ticks while it is not idle, in ms. */
  readonly everyMs: number
  /** Whether there is nothing to do before something is read. */
  readonly isIdle: () => boolean
  readonly tick: () => void
}

export interface Ticking {
  /** There is something to save: the next tick comes within `everyMs`. */
  soon(): void
  stop(): void
}

export function startTicking({ clock, everyMs, isIdle, tick }: TickingContext): Ticking {
  let isSlow = isIdle()
  const start = () =>
    clock.every(isSlow ? idleTicks * everyMs : everyMs, () => {
      adapt()
      tick()
    })
  const adapt = () => {
    if (isSlow === isIdle()) return
    isSlow = !isSlow
    cancel()
    cancel = start()
  }
  let cancel = start()
  return {
    soon() {
      if (isSlow) adapt()
    },
    stop: () => cancel(),
  }
}
