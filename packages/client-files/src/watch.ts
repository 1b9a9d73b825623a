/**
 * Watching: files are looked at again and again, and what is new in them is read.
 *
 * A look lists the files and inspects each: inode, size and modification time. A file is opened only if these are not
 * those of the time when its end was read. Three kinds of files are left for a later look:
 *
 * - one that no lines can be appended to (Parquet, Arrow, a JSON array, a compressed file), until it is at rest: its
 *   writer may not be done, and half of such a file cannot be read;
 * - one that is deleted or moved after reading, until it is at rest: only then is it finished;
 * - one that ends in the middle of a record, until it changes.
 *
 * A file is at rest when it has not changed for as long as the pause between two looks. What the disk says about that
 * is enough to begin to read a file, but not to take one away, since the disk may have a clock of its own: then it must
 * have been seen unchanged for that long, or since an earlier process.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { FileState } from './disk.ts'
import { createGrown, type Grown } from './grown.ts'
import { type Reached, stampOf } from './extent.ts'

/** A file as inspected by a look. */
interface Inspected {
  readonly path: string
  readonly name: string
  readonly state: FileState
  /** How far it was read; undefined: not yet. */
  readonly read: Reached | undefined
  /** Whether lines may be appended to it. */
  canGrow(): boolean
}

/** What is known of the files from one look to the next. */
export interface Watch {
  /** A look begins. */
  begin(): void
  /** Whether there was nothing to do with a file in this state at the last look. Faster than `judge`. */
  isKnown(path: string, state: FileState): boolean
  /** What a look has to do with a file: nothing, read it, or end it, since it was read to its end and is at rest. */
  judge(file: Inspected, warn: (message: string) => void): 'leave' | 'read' | 'end'
  /** A file in this state has ended: it goes away as soon as that is saved and published. */
  ended(path: string, stamp: string): void
  readonly grown: Grown
  /** This look has left files that are not read yet. */
  readonly isWaiting: boolean
  /**
   * Files are held back until the promise resolves: waits for that, but only as long as a pause for the whole look.
   * After that `isOver` is true.
   */
  hold(released: Promise<void>): Promise<void>
  /** Files were held back for so long that it is time for another look. */
  readonly isOver: boolean
  /** Waits between two looks, or until the signal aborts. */
  pause(signal: AbortSignal): Promise<void>
}

/** Since when a file has looked the same. */
interface Seen {
  readonly stamp: string
  readonly sinceMs: number
  isReported: boolean
}

/** The longest time that a timer can wait. */
const maxWaitMs = 2 ** 31 - 1

/** `ms`: the pause between two looks. `keepsFiles`: files stay where they are after reading. */
export function createWatch(ms: number, keepsFiles: boolean): Watch {
  const pauseMs = Math.min(ms, maxWaitMs)
  /** Files with nothing to do: their stamps, and the last look that found them like that; not those that are gone. */
  const known = new Map<string, { readonly stamp: string; look: number }>()
  /** Files that wait for something, at the last look and at this one. */
  let before = new Map<string, Seen>()
  let seen = new Map<string, Seen>()
  let looks = 0
  let isWaiting = false
  let overMs = Number.POSITIVE_INFINITY

  /** Whether a file has been seen unchanged for long enough. */
  const isAtRest = (path: string, stamp: string): boolean => {
    const last = before.get(path)
    const now = performance.now()
    const isSame = last?.stamp === stamp
    seen.set(path, { stamp, sinceMs: isSame ? last.sinceMs : now, isReported: last?.isReported ?? false })
    return isSame && now - last.sinceMs >= pauseMs
  }

  return {
    begin() {
      before = seen
      seen = new Map()
      for (const [path, { look }] of known) if (look < looks) known.delete(path)
      looks++
      isWaiting = false
      overMs = Number.POSITIVE_INFINITY
    },
    isKnown(path, state) {
      const one = known.get(path)
      if (one?.stamp !== stampOf(state)) return false
      one.look = looks
      return true
    },
    judge({ path, name, state, read, canGrow }, warn) {
      const stamp = stampOf(state)
      if (read?.done && read.stamp === stamp) {
        if (!keepsFiles) return looks === 1 || isAtRest(path, stamp) ? 'end' : 'leave'
        known.set(path, { stamp, look: looks })
        return 'leave'
      }
      if (read?.done && read.tail && read.stamp === stampOf({ ...state, bytes: state.bytes - read.tail })) {
        const isQuiet = isAtRest(path, stamp)
        const own = seen.get(path)!
        if (isQuiet && !own.isReported)
          warn(
            `${name} does not end with a line break: the rest after byte ${read.bytes} waits until it is a complete record`,
          )
        own.isReported ||= isQuiet
        return 'leave'
      }
      if (canGrow()) return 'read'
      const isOld = Date.now() - Number(state.changedNs / 1_000_000n) >= pauseMs
      const isDue = isAtRest(path, stamp) || isOld
      isWaiting ||= !isDue
      return isDue ? 'read' : 'leave'
    },
    ended(path, stamp) {
      known.set(path, { stamp, look: looks })
    },
    grown: createGrown(),
    get isWaiting() {
      return isWaiting
    },
    async hold(released) {
      isWaiting = true
      overMs = Math.min(overMs, performance.now() + pauseMs)
      const stop = new AbortController()
      const left = Math.max(0, overMs - performance.now())
      await Promise.race([released, sleep(left, undefined, { signal: stop.signal }).catch(() => {})])
      stop.abort()
    },
    get isOver() {
      return performance.now() >= overMs
    },
    pause: (signal) => sleep(pauseMs, undefined, { signal }).catch(() => {}),
  }
}
