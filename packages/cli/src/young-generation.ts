/**
 * Keeps V8's young generation small. A run allocates constantly, and V8 responds by doubling the space, up to 128 MiB
 * on a large machine: that would use 120 MB more without saving CPU. The flag that limits it is only read before a
 * program starts, so its growth is stopped once it is large enough: `--semi-space-growth-factor` is read whenever V8
 * would grow it.
 *
 * In runs that end, so small a space is collected by this thread alone: waking others costs more CPU than they take
 * off. The answers of a server come sooner with them.
 */
import { PerformanceObserver } from 'node:perf_hooks'
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'

/** Two halves of 4 MiB: about as much as is in flight at a time. */
const enoughBytes = 8 * 1024 * 1024

/** Looks at its size after each collection until it is large enough, then stops its growth. `ends`: see above. */
export function keepYoungGenerationSmall(ends: boolean): void {
  if (ends) setFlagsFromString('--no-parallel-scavenge')
  const observer = new PerformanceObserver(() => {
    const young = getHeapSpaceStatistics().find((space) => space.space_name === 'new_space')
    if (young && young.space_size < enoughBytes) return
    setFlagsFromString('--semi-space-growth-factor=1')
    observer.disconnect()
  })
  observer.observe({ entryTypes: ['gc'] })
}
