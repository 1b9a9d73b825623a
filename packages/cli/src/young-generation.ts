/**
 * Keeps V8's young generation small. A run allocates all the time, and V8 responds by doubling the space, up to 128 MiB
 * on a large machine: the same rows ten times over would take 120 MB more, and not a percent less CPU. The flag that
 * limits it is read only before a program starts, so the growth is stopped once it is large enough:
 * `--semi-space-growth-factor` is read whenever V8 would grow it.
 */
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'

/** Two halves of 4 MiB: about what is on its way at a time. */
const enoughBytes = 8 * 1024 * 1024
const lookEveryMs = 50

/** Polls until it is large enough, then stops its growth for good. The timer does not keep the process alive. */
export function keepYoungGenerationSmall(): void {
  const timer = setInterval(() => {
    const young = getHeapSpaceStatistics().find((space) => space.space_name === 'new_space')
    if (young && young.space_size < enoughBytes) return
    setFlagsFromString('--semi-space-growth-factor=1')
    clearInterval(timer)
  }, lookEveryMs)
  timer.unref()
}
