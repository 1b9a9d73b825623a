/** The smallest steps that need event time: a count per window with the late records, and a join of two streams. */
import type { Now, ResultKey, Transform } from '../../src/connector/index.ts'
import type { Row } from '../../src/record/index.ts'
import type { Timed } from './lanes-source.ts'

export interface Windows {
  readonly size: number
  readonly allowed: number
  readonly maxOutOfOrder: number
  /** Results per call of `advance`. */
  readonly piece?: number
}

/** Counts records per window; those that are late go to the output `late`. */
export function tumblingCount({ size, allowed, maxOutOfOrder, piece = 2 }: Windows): Transform {
  const windows = new Map<number, { ids: string[]; isTold: boolean }>()
  const changed = new Set<number>()
  let reached = Number.NEGATIVE_INFINITY
  return {
    apply(records, out) {
      let held = 0
      for (const [i, row] of records.rows.entries()) {
        const start = Math.floor(records.time(i)! / size) * size
        const closes = start + size + allowed
        if (closes <= records.highBefore(i) - maxOutOfOrder || closes - 1 <= reached) {
          out.side('late', row, i)
          continue
        }
        const window = windows.get(start) ?? { ids: [], isTold: false }
        windows.set(start, { ids: [...window.ids, (row as Timed).id], isTold: false })
        changed.add(start)
        held++
      }
      return { rows: [], held }
    },
    advance({ watermark, end }: Now, out) {
      reached = watermark
      let n = 0
      for (const [start, window] of [...windows].sort(([a], [b]) => a - b)) {
        if (!window.isTold && (end || start + size - 1 <= watermark)) {
          if (n++ === piece) return false
          out.result({ start, ids: [...window.ids].sort().join() }, { key: [start], time: start + size - 1 })
          windows.set(start, { ...window, isTold: true })
          changed.add(start)
        }
        if (end || start + size - 1 + allowed <= watermark) {
          windows.delete(start)
          changed.add(start)
        }
      }
      return true
    },
    takeChanges() {
      const entries = [...changed].map((start) => {
        const window = windows.get(start)
        return [String(start), window ? JSON.stringify(window) : null] as const
      })
      changed.clear()
      return entries
    },
    restore(saved) {
      for (const [start, text] of saved.entries()) windows.set(Number(start), JSON.parse(text) as never)
    },
  }
}

/** Pairs of records of two inputs whose times are at most `within` apart. */
export function intervalJoin(within: number): Transform {
  const sides = { left: new Map<string, Timed>(), right: new Map<string, Timed>() }
  const changed = new Map<string, Timed | null>()
  return {
    apply({ rows }, out, input) {
      const own = sides[input as 'left' | 'right']
      const other = input === 'left' ? sides.right : sides.left
      for (const row of rows as readonly Timed[]) {
        own.set(row.id, row)
        changed.set(`${input}/${row.id}`, row)
        for (const match of other.values()) {
          if (Math.abs(match.time - row.time) > within) continue
          const [l, r] = input === 'left' ? [row, match] : [match, row]
          const key: ResultKey = { key: [l.id, r.id], time: Math.max(l.time, r.time) }
          out.result({ left: l.id, right: r.id }, key)
        }
      }
      return { rows: [], held: rows.length }
    },
    advance({ watermark }) {
      for (const [name, side] of Object.entries(sides))
        for (const [id, row] of side) {
          if (row.time + within > watermark) continue
          side.delete(id)
          changed.set(`${name}/${id}`, null)
        }
      return true
    },
    takeChanges() {
      const entries = [...changed].map(([key, row]) => [key, row && JSON.stringify(row)] as const)
      changed.clear()
      return entries
    },
    restore(saved) {
      for (const [key, text] of saved.entries()) {
        const [name, id] = key.split('/') as ['left' | 'right', string]
        sides[name].set(id, JSON.parse(text) as Timed)
      }
    },
  }
}

/** Emits how many records it has seen, every `everyMs` of the clock. */
export function tickingCount(everyMs: number): Transform {
  let n = 0
  let told = 0
  let next = everyMs
  return {
    apply: ({ rows }) => {
      n += rows.length
      return { rows: rows as Row[] }
    },
    due: () => next,
    advance({ clock, end }, out) {
      if (!end && clock < next) return true
      while (!end && next <= clock) next += everyMs
      if (n !== told) out.result({ n }, { key: ['count'] })
      told = n
      return true
    },
    takeChanges: () => [['count', JSON.stringify({ n, told, next })]],
    restore(saved) {
      const text = saved.get('count')
      if (text !== undefined) ({ n, told, next } = JSON.parse(text) as { n: number; told: number; next: number })
    },
  }
}
