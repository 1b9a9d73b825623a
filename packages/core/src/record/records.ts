/** Rows at some point of the graph, each with its origin. */
import { arrivalOf, type Row } from './batch.ts'
import { highsOf } from './highs.ts'
import type { Origin, Result } from './origin.ts'
import { idPosition, idPrefix, resultId } from './identity.ts'
import type { Headers, WireText } from './wire.ts'

/** In `origins`: this row is a result. */
const noOrigin = -1

interface Init {
  readonly rows: readonly Row[]
  readonly from: readonly Origin[]
  readonly pipeline: string
  readonly origins?: Int32Array | undefined
  readonly paths?: readonly string[] | undefined
  readonly results?: readonly (Result | undefined)[] | undefined
}

/** Rows at some point of the graph, with their origins. What steps and sinks get. */
export class Records {
  readonly rows: readonly Row[]
  /** Where the rows came from; empty for results of a step. */
  readonly from: readonly Origin[]
  readonly pipeline: string
  /** Index of each row in the concatenation of `from`, -1 for a result; absent: row i is record i. */
  readonly origins: Int32Array | undefined
  /** Per row the suffix of its id; see identity.ts. */
  readonly paths: readonly string[] | undefined
  /** Per row the result, if it is one; undefined for a row with an origin. */
  readonly results: readonly (Result | undefined)[] | undefined
  private readonly starts: Int32Array

  constructor(init: Init) {
    this.rows = init.rows
    this.from = init.from
    this.pipeline = init.pipeline
    this.origins = init.origins
    this.paths = init.paths
    this.results = init.results
    this.starts = new Int32Array(init.from.length)
    for (let b = 1; b < init.from.length; b++)
      this.starts[b] = this.starts[b - 1]! + init.from[b - 1]!.batch.rows.length
  }

  /** The results of a step, which have no origin. */
  static ofResults(rows: readonly Row[], results: readonly Result[], pipeline: string): Records {
    return new Records({ rows, from: [], pipeline, origins: new Int32Array(rows.length).fill(noOrigin), results })
  }

  get length(): number {
    return this.rows.length
  }

  /** The batch that row i came from and its index there; undefined for a result. */
  origin(i: number): (Origin & { readonly index: number }) | undefined {
    const at = this.origins ? this.origins[i]! : i
    if (at === noOrigin) return undefined
    let b = 0
    if (this.from.length > 1) {
      let low = 0
      let high = this.from.length - 1
      while (low < high) {
        const middle = (low + high + 1) >> 1
        if (this.starts[middle]! <= at) low = middle
        else high = middle - 1
      }
      b = low
    }
    return { ...this.from[b]!, index: at - this.starts[b]! }
  }

  /** The record's id; see identity.ts. */
  id(i: number): string {
    const origin = this.origin(i)
    let id: string
    let isOwn = true
    if (!origin) {
      const { step, key } = this.results![i]!
      id = resultId(this.pipeline, step, key)
    } else {
      const { source, batch, index } = origin
      const arrived = batch.idAt?.(index)
      isOwn = arrived === undefined || arrived.startsWith(`${this.pipeline}/`)
      id = arrived ?? idPrefix(this.pipeline, source, batch.split) + idPosition(batch.positionAt(index))
    }
    const path = this.paths?.[i]
    return !path ? id : isOwn ? id + path : `${id}#${this.pipeline}/${path.slice(1)}`
  }

  /** The ids of all rows. Faster than `id(i)` in a loop where all rows are of one batch. */
  ids(): string[] {
    const parts = this.idParts()
    if (parts) return parts.rests.map((rest) => parts.common + rest)
    if (this.results || this.origins || this.paths) return this.rows.map((_, i) => this.id(i))
    const ids: string[] = []
    for (const { source, batch } of this.from) {
      const common = idPrefix(this.pipeline, source, batch.split)
      for (let i = 0; i < batch.rows.length; i++) ids.push(batch.idAt?.(i) ?? common + idPosition(batch.positionAt(i)))
    }
    return ids
  }

  /**
   * The ids as a common prefix and a suffix for each, which is cheaper to make and to keep; undefined if they are not
   * all of one batch, by position.
   */
  idParts(): { readonly common: string; readonly rests: readonly (string | number)[] } | undefined {
    const only = this.from.length === 1 && !this.results ? this.from[0] : undefined
    if (!only || only.batch.idAt || this.paths) return undefined
    const rests = new Array<string | number>(this.rows.length)
    for (let i = 0; i < rests.length; i++)
      rests[i] = idPosition(only.batch.positionAt(this.origins ? this.origins[i]! : i))
    return { common: idPrefix(this.pipeline, only.source, only.batch.split), rests }
  }

  /** The transport key of row i; for a result, its key: one value as text, several as a JSON array. */
  key(i: number): WireText | undefined {
    const origin = this.origin(i)
    if (origin) return origin.batch.keys?.[origin.index]
    const { key } = this.results![i]!
    return key.length === 1 && typeof key[0] === 'string' ? key[0] : JSON.stringify(key.length === 1 ? key[0] : key)
  }

  /** The headers of row i; undefined: none. */
  headers(i: number): Headers | undefined {
    const origin = this.origin(i)
    return origin?.batch.headersAt?.(origin.index)
  }

  /** Whether any of the rows may stand for a record without a value. */
  get anyTombstones(): boolean {
    return this.from.some(({ batch }) => batch.tombstoneAt !== undefined)
  }

  /** Whether row i stands for a record without a value, whatever its fields are. */
  tombstone(i: number): boolean {
    const origin = this.origin(i)
    return origin?.batch.tombstoneAt?.(origin.index) ?? false
  }

  /** Event time of row i in ms UTC; undefined if the spec asks for none. */
  time(i: number): number | undefined {
    const origin = this.origin(i)
    return origin ? origin.batch.times?.[origin.index] : this.results![i]!.time
  }

  /** Arrival time of row i in ms UTC; undefined if the system has none. */
  arrival(i: number): number | undefined {
    const origin = this.origin(i)
    return origin && arrivalOf(origin.batch, origin.index)
  }

  /** The highest event time in row i's lane before it, ms UTC; -Infinity: none. For late rules. */
  highBefore(i: number): number {
    const origin = this.origin(i)
    if (!origin) return Number.NEGATIVE_INFINITY
    return Math.max(origin.high ?? Number.NEGATIVE_INFINITY, highsOf(origin.batch)[origin.index]!)
  }

  /**
   * For all rows: their event time, and up to which time their lane had come before them, which is its highest time
   * less what its source allows to be out of order. NaN and -Infinity where there is none.
   */
  laneTimes(outOfOrder: (source: string) => number): { readonly times: Float64Array; readonly before: Float64Array } {
    const n = this.rows.length
    const only = this.from.length === 1 && !this.origins ? this.from[0] : undefined
    const before = new Float64Array(n)
    if (only?.batch.times) {
      const late = outOfOrder(only.source)
      const high = only.high ?? Number.NEGATIVE_INFINITY
      const own = highsOf(only.batch)
      for (let i = 0; i < n; i++) before[i] = Math.max(high, own[i]!) - late
      return { times: only.batch.times, before }
    }
    const times = new Float64Array(n)
    for (let i = 0; i < n; i++) {
      times[i] = this.time(i) ?? Number.NaN
      const source = this.origin(i)?.source
      before[i] = source === undefined ? Number.NEGATIVE_INFINITY : this.highBefore(i) - outOfOrder(source)
    }
    return { times, before }
  }

  /** The rows at `indexes` (ascending or not), with their origins. */
  pick(indexes: ArrayLike<number>): Records {
    const n = indexes.length
    const rows = new Array<Row>(n)
    const origins = new Int32Array(n)
    for (let k = 0; k < n; k++) {
      const i = indexes[k]!
      rows[k] = this.rows[i]!
      origins[k] = this.origins ? this.origins[i]! : i
    }
    const pick = <T>(values: readonly T[] | undefined) =>
      values && Array.from({ length: n }, (_, k) => values[indexes[k]!]!)
    return new Records({ ...this.same(), rows, origins, paths: pick(this.paths), results: pick(this.results) })
  }

  private same(): Pick<Init, 'from' | 'pipeline'> {
    return { from: this.from, pipeline: this.pipeline }
  }

  /** The output of a step over these records: `origins` are indexes into this set's rows. */
  derive(rows: readonly Row[], origins: Int32Array | undefined, multiplier?: string): Records {
    if (!origins && !multiplier)
      return rows === this.rows
        ? this
        : new Records({ ...this.same(), rows, origins: this.origins, paths: this.paths, results: this.results })
    const n = rows.length
    const mapped = new Int32Array(n)
    for (let k = 0; k < n; k++) {
      const i = origins ? origins[k]! : k
      mapped[k] = this.origins ? this.origins[i]! : i
    }
    let paths: string[] | undefined
    if (multiplier || this.paths) {
      paths = new Array<string>(n)
      let last = -1
      let count = 0
      for (let k = 0; k < n; k++) {
        const i = origins ? origins[k]! : k
        count = i === last ? count + 1 : 0
        last = i
        const before = this.paths ? this.paths[i]! : ''
        paths[k] = multiplier ? `${before}#${multiplier}.${count}` : before
      }
    }
    const { results } = this
    const derived = results && Array.from({ length: n }, (_, k) => results[origins ? origins[k]! : k])
    return new Records({ ...this.same(), rows, origins: mapped, paths, results: derived })
  }

  /** The same records with `#name` appended to their ids: they came by this one of several inputs. */
  cameBy(name: string): Records {
    const paths = Array.from({ length: this.length }, (_, i) => `${this.paths?.[i] ?? ''}#${name}`)
    return new Records({ ...this.same(), rows: this.rows, origins: this.origins, paths, results: this.results })
  }

  /** Records of several sets as one, set after set; the engine merges small batches this way. */
  static concat(sets: readonly Records[]): Records {
    if (sets.length === 1) return sets[0]!
    const from: Origin[] = []
    const parts: (readonly [set: Records, base: number])[] = []
    let base = 0
    for (const set of sets) {
      parts.push([set, base])
      for (const origin of set.from) {
        from.push(origin)
        base += origin.batch.rows.length
      }
    }
    return Records.together(parts, from)
  }

  /**
   * Records of several sets of one hand-over as one, in the order of their origins, so that records made from one along
   * different paths are adjacent. Results come last. All sets must have the same `from`, or none.
   */
  static merge(sets: readonly Records[]): Records {
    if (sets.length === 1) return sets[0]!
    const from = sets.find((set) => set.from.length > 0)?.from ?? []
    const all = Records.together(
      sets.map((set) => [set, 0] as const),
      from,
    )
    const order = Array.from(all.rows.keys())
    const { origins } = all
    const place = (i: number) => (origins![i] === noOrigin ? Number.POSITIVE_INFINITY : origins![i]!)
    // The sort is stable: for one origin the order is that of the sets.
    order.sort((a, b) => place(a) - place(b) || 0)
    return all.pick(order)
  }

  private static together(parts: readonly (readonly [set: Records, base: number])[], from: readonly Origin[]): Records {
    const rows: Row[] = []
    const paths = parts.some(([s]) => s.paths) ? ([] as string[]) : undefined
    const results = parts.some(([s]) => s.results) ? ([] as (Result | undefined)[]) : undefined
    let total = 0
    for (const [set] of parts) total += set.rows.length
    const origins = new Int32Array(total)
    let n = 0
    for (const [set, base] of parts) {
      for (let i = 0; i < set.rows.length; i++) {
        const at = set.origins ? set.origins[i]! : i
        origins[n++] = at === noOrigin ? noOrigin : base + at
        rows.push(set.rows[i]!)
        paths?.push(set.paths?.[i] ?? '')
        results?.push(set.results?.[i])
      }
    }
    return new Records({ rows, from, pipeline: parts[0]![0].pipeline, origins, paths, results })
  }
}
