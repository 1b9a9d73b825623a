/**
 * Waits for new records at the end of a stream. While records come, it is looked for more every `poll`; a stream that
 * has been quiet for a second is watched by the operating system instead, so that an idle pipeline costs no CPU. What a
 * watch may miss is found five seconds later.
 */
import { existsSync, type FSWatcher, watch } from 'node:fs'
import { dirname } from 'node:path'

/** How long a stream is quiet before it is watched, in ms. */
const quietMs = 1000
/** How often a watched stream is looked at, at least. */
const watchedMs = 5000
/** How often a quiet stream is looked at if it cannot be watched, at most. */
const unwatchedMs = 250

/** Waiting for the changes of one log. */
export interface Waiting {
  /** Records were found: more are looked for soon. */
  found(): void
  /** Resolves when it is time to look again, or as soon as the signal aborts. */
  next(): Promise<void>
  /** Ends the watch. */
  close(): void
}

/** Waits for changes of the log in the file `path`, which need not exist; at first it is looked at every `pollMs`. */
export function waitFor(path: string, pollMs: number, signal: AbortSignal): Waiting {
  let foundMs = performance.now()
  let watcher: FSWatcher | undefined
  let isChanged = false
  let wake = () => {}
  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      if (signal.aborted) return resolve()
      const timer = setTimeout(() => wake(), ms)
      wake = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', wake)
        resolve()
      }
      signal.addEventListener('abort', wake)
    })
  const changed = () => {
    isChanged = true
    wake()
  }
  const close = () => {
    watcher?.close()
    watcher = undefined
  }
  return {
    found() {
      foundMs = performance.now()
      close()
    },
    async next() {
      if (performance.now() - foundMs < quietMs || pollMs >= quietMs) return pause(pollMs)
      if (watcher) {
        if (!isChanged) await pause(watchedMs)
        // What is watched next may exist by now.
        if (isChanged) close()
        return
      }
      // What came before the watch began is found by one more look.
      isChanged = false
      watcher = watched(path, changed)
      await pause(watcher ? pollMs : Math.max(pollMs, unwatchedMs))
    },
    close,
  }
}

/**
 * Appends go to SQLite's write-ahead log, which is there as long as a reader is; a log that does not exist yet appears
 * in the closest folder that does. Undefined: the limit of watches is reached.
 */
function watched(path: string, changed: () => void): FSWatcher | undefined {
  let place = `${path}-wal`
  while (!existsSync(place)) place = dirname(place)
  try {
    const watcher = watch(place, changed)
    // A watch that breaks never tells: the stream is still looked at.
    watcher.on('error', () => {})
    return watcher
  } catch {
    return undefined
  }
}
