/**
 * A source of several splits whose records carry event times. A script says what is read from which split, when a split
 * reports that it has nothing more, and when time passes; after a restart another script may continue from the saved
 * positions.
 */
import type { Source } from '../../src/connector/index.ts'
import { batch, type Row } from '../../src/record/index.ts'
import type { TestClock } from './clock.ts'

export interface Timed extends Row {
  readonly id: string
  readonly time: number
}

export type Beat =
  /** That many records of a split. */
  | { readonly split: string; readonly n: number }
  | { readonly caughtUp: readonly string[] }
  | { readonly passMs: number }

/** Yields what the script says, then what is left of every split; ends. Splits that are held back are skipped. */
export function lanesSource(
  splits: Readonly<Record<string, readonly Timed[]>>,
  script: readonly Beat[],
  clock: TestClock,
  onHeld: (split: string) => void = () => {},
  /**
   * How far each split was read in any life: what had arrived by then. A split that has more of it available is not
   * caught up.
   */
  come: Map<string, number> = new Map(),
): Source {
  return {
    async *read({ resume, signal, wants, whenWanted }) {
      yield { splits: Object.keys(splits).map((id) => ({ id })), complete: true }
      const at = new Map(Object.keys(splits).map((id) => [id, (resume(id) as number | undefined) ?? 0]))
      const take = (split: string, n: number) => {
        const from = at.get(split)!
        const rows = splits[split]!.slice(from, from + n)
        at.set(split, from + rows.length)
        come.set(split, Math.max(come.get(split) ?? 0, from + rows.length))
        return batch({
          split,
          rows,
          position: from + rows.length,
          times: Float64Array.from(rows, (row) => row.time),
          bytes: rows.length * 10,
        })
      }
      for (const beat of script) {
        if (signal.aborted) return
        if ('passMs' in beat) {
          clock.advance(beat.passMs)
          await clock.turn()
        } else if ('caughtUp' in beat) {
          const nothing = beat.caughtUp.filter((split) => at.get(split)! >= (come.get(split) ?? 0))
          if (nothing.length > 0) yield { caughtUp: nothing }
        } else if (!wants(beat.split)) onHeld(beat.split)
        else if (at.get(beat.split)! < splits[beat.split]!.length) yield take(beat.split, beat.n)
      }
      const left = () => Object.keys(splits).filter((id) => at.get(id)! < splits[id]!.length)
      while (left().length > 0 && !signal.aborted) {
        const open = left().find(wants)
        if (open === undefined) {
          for (const id of left()) onHeld(id)
          const nothing = Object.keys(splits).filter((id) => !left().includes(id))
          if (nothing.length > 0) yield { caughtUp: nothing }
          if (!left().some(wants)) await whenWanted()
          continue
        }
        yield take(open, 3)
        clock.advance(1)
      }
      // A split's end is requested the way its records are.
      for (const open = new Set(Object.keys(splits)); open.size > 0 && !signal.aborted; ) {
        const id = [...open].find(wants)
        if (id === undefined) {
          await whenWanted()
          continue
        }
        open.delete(id)
        yield batch({ split: id, rows: [], position: at.get(id)!, end: true })
      }
    },
  }
}
