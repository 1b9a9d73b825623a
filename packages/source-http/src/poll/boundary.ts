/**
 * Tracks what a since-cursor has read. The server is asked for records at and after the highest value so far, since
 * more with the same value may have arrived meanwhile; records already taken at that value are remembered by a hash
 * each, and skipped when they come again. A record without a value, or one that cannot be decoded, has no place in this
 * order: it is remembered as long as it keeps coming.
 *
 * There are three lists of hashes, kept in the source's memory in pieces and saved with the page's epoch: `taken` at
 * `since`, the requested value while all pages are read once; `met`, those at `since` that this pass has seen, so that
 * each of two equal records counts; `fresh`, those at `high`, the highest value seen. When all pages are read, `high`
 * becomes the next `since`, and `fresh` becomes `taken`.
 */
import type { Json, ReadContext } from '@millrace/core'

/** A value of the growing field, in its in-memory form. */
export type Value = string | number | bigint

export interface Boundary {
  /** The value to ask for; undefined: everything. */
  readonly since: Value | undefined
  readonly high: Value | undefined
  /** True: the record is new. `value` undefined: it has none. */
  take(value: Value | undefined, mark: string): boolean
  /** All pages are read. */
  turn(): void
  /** The changes of the lists since the last call. */
  changes(): (readonly [key: string, value: Json | null])[]
}

const pieceSize = 100
/** Prefix of the hashes of records without a value. */
const loose = '!'

export function createBoundary(
  recall: ReadContext['recall'],
  at: { readonly since: Value | undefined; readonly high: Value | undefined },
): Boundary {
  let { since } = at
  let high = at.high ?? since
  let taken = load('taken')
  let met = load('met')
  let fresh = load('fresh')
  let timesTaken = countsOf(taken)
  let timesMet = countsOf(met)
  let saved = pieces()

  function load(name: string): string[] {
    const marks: string[] = []
    for (let i = 0; ; i++) {
      const piece = recall(`${name} ${i}`) as string[] | undefined
      if (!piece) return marks
      marks.push(...piece)
    }
  }
  function pieces(): Map<string, string> {
    const cut = (name: string, marks: readonly string[]) =>
      Array.from(
        { length: Math.ceil(marks.length / pieceSize) },
        (_, i) => [`${name} ${i}`, JSON.stringify(marks.slice(i * pieceSize, (i + 1) * pieceSize))] as const,
      )
    return new Map([...cut('taken', taken), ...cut('met', met), ...cut('fresh', fresh)])
  }

  return {
    get since() {
      return since
    },
    get high() {
      return high
    },
    take(value, plain) {
      if (value === undefined || value === since) {
        const mark = value === undefined ? loose + plain : plain
        const times = (timesMet.get(mark) ?? 0) + 1
        timesMet.set(mark, times)
        met.push(mark)
        return times > (timesTaken.get(mark) ?? 0)
      }
      if (since !== undefined && value < since) return false
      if (high === undefined || value > high) {
        high = value
        fresh = []
      }
      if (value === high) fresh.push(plain)
      return true
    },
    turn() {
      if (high !== since) taken = [...met.filter((mark) => mark.startsWith(loose)), ...fresh]
      else {
        const left = new Map(timesMet)
        const unmet = taken.filter((mark) => {
          const times = left.get(mark) ?? 0
          left.set(mark, times - 1)
          return times <= 0 && !mark.startsWith(loose)
        })
        taken = [...met, ...unmet]
      }
      met = []
      fresh = []
      since = high
      timesTaken = countsOf(taken)
      timesMet = new Map()
    },
    changes() {
      const now = pieces()
      const changed: [string, Json | null][] = []
      for (const [key, text] of now) if (saved.get(key) !== text) changed.push([key, JSON.parse(text) as Json])
      for (const key of saved.keys()) if (!now.has(key)) changed.push([key, null])
      saved = now
      return changed
    },
  }
}

function countsOf(marks: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const mark of marks) counts.set(mark, (counts.get(mark) ?? 0) + 1)
  return counts
}
