/**
 * What flows through a pipeline: rows in batches, and beside them what belongs to a record but is not data.
 *
 * A source yields a `Batch`: rows read together, in order, from one split. From there on the engine passes `Records`: rows at some point of the
 * graph, each with an origin (batch, index), so that its id, position, key, time and original bytes can be told. Nothing of that is computed for a
 * record until a sink or a dead letter asks.
 */

/** A value that survives `JSON.stringify` and `JSON.parse` unchanged. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/**
 * One record's data: a plain object, of one shape per stage of the graph. Rows are frozen by contract: a step that changes a row makes a new one.
 * The in-memory form of each type is listed in schema.ts.
 */
export type Row = Record<string, unknown>

/** A record that could not be decoded, or that failed in a step pushed down into its source. */
export interface BadRecord {
  /** The record's own position, as `Batch.positionAt` would give it. */
  readonly position: string | number
  /** Its original bytes. */
  readonly bytes: Uint8Array
  /** A stable code of the error catalogue, e.g. `bad_date`. */
  readonly code: string
  /** The field at fault, where one is. */
  readonly field?: string
  /** What is wrong, with the value, in one sentence. */
  readonly message?: string
  /** The id of the step it was pushed down from; absent: the decoding itself failed. */
  readonly step?: string
  /** An identity it arrived with. */
  readonly id?: string
}

/** Rows read together from one split, in order. May be empty, to move the position or to say `caughtUp` or `end`. */
export interface Batch {
  /** An ordered sequence of records: a partition, a shard, a file, one HTTP request. Part of each record's id, so it must be stable. */
  readonly split: string
  readonly rows: readonly Row[]
  /** Where to resume after this batch; small, constant in size. Absent: the split cannot be read twice. */
  readonly position?: Json
  /** The record's OWN position: stable text for its id, ordered in the split, independent of batch borders. */
  positionAt(i: number): string | number
  /** The record's original bytes; valid until every write of it has returned. Absent: the row as JSON stands for them. */
  rawAt?(i: number): Uint8Array
  /** An identity the record arrived with (a header, an idempotency key); it keeps it. */
  idAt?(i: number): string | undefined
  /** The transport key of each row. */
  readonly keys?: readonly (string | undefined)[]
  /** Arrival time of each row, ms UTC, where the system has one. */
  readonly arrivals?: Float64Array
  /** Event time of each row, ms UTC, where the spec asks for it. */
  readonly times?: Float64Array
  /** What could not be decoded. */
  readonly bad?: readonly BadRecord[]
  /** Rows dropped by filters that were pushed down into the source. */
  readonly dropped?: readonly (readonly [step: string, n: number])[]
  /** Fields of these rows that the schema does not name and that were left out (`unknown_fields: drop`). */
  readonly unknown?: number
  /** Raw size; all caps count it. */
  readonly bytes: number
  /** Records of the split that were there, behind those of this batch, when it was read: its lag. Absent: unknown. */
  readonly behind?: number
  /** Nothing more was there when asked. An epoch may be cut at once. */
  readonly caughtUp?: boolean
  /** This split is finished for good. */
  readonly end?: boolean
  /** What decoding a record's bytes again needs besides them (a CSV header); kept with dead letters. */
  readonly context?: Json
  /** Keyed memory of the source, saved row by row with the batch's epoch; null removes. */
  readonly remember?: readonly (readonly [key: string, value: Json | null])[]
}

/** Splits a source has found, announced before the first batch of each. `complete`: no further one will come. */
export interface SplitsFound {
  readonly splits: readonly { readonly id: string; readonly bytes?: number; readonly parents?: readonly string[] }[]
  readonly complete?: boolean
}

/** A batch and the id of the source it came from. */
export interface Origin {
  readonly source: string
  readonly batch: Batch
}

/**
 * Fills in what a plain source leaves out. Its author gives `split`, `rows` and `position`.
 * `positionAt` follows from a numeric `position` that counts the split's records, in a batch without `bad` and `dropped`; any other batch must bring its own.
 */
export function batch(plain: Pick<Batch, 'split' | 'rows'> & Partial<Batch>): Batch {
  const { rows, position } = plain
  const counted = typeof position === 'number' && !plain.bad?.length && !plain.dropped?.length
  return {
    ...plain,
    bytes: plain.bytes ?? rows.length * 100,
    positionAt:
      plain.positionAt ??
      ((i) => {
        if (!counted)
          throw new Error(`split ${plain.split}: a batch whose position does not count records needs positionAt`)
        return (position as number) - rows.length + i
      }),
  }
}

/** Counts the fields that the schema does not name and that were left out since the last batch. */
export interface Tally {
  unknown: number
}

/** What a tally has counted, to be spread into a batch; it begins anew. */
export function unknownOf(tally: Tally): { readonly unknown?: number } {
  const { unknown } = tally
  tally.unknown = 0
  return unknown > 0 ? { unknown } : {}
}

/** Rows at some point of the graph, with their origins. What steps and sinks get. */
export class Records {
  readonly rows: readonly Row[]
  /** Where the rows came from; empty for results of a stateful step. */
  readonly from: readonly Origin[]
  private readonly pipeline: string
  /** Index of each row in the concatenation of `from`; absent: row i is record i. */
  readonly origins: Int32Array | undefined
  /** Per row: `step.index` where records were multiplied, as text to append to the id. */
  readonly paths: readonly string[] | undefined
  /** Identities of results that have no origin. */
  readonly resultKeys: readonly string[] | undefined
  private readonly starts: Int32Array

  constructor(init: {
    rows: readonly Row[]
    from: readonly Origin[]
    pipeline: string
    origins?: Int32Array | undefined
    paths?: readonly string[] | undefined
    resultKeys?: readonly string[] | undefined
  }) {
    this.rows = init.rows
    this.from = init.from
    this.pipeline = init.pipeline
    this.origins = init.origins
    this.paths = init.paths
    this.resultKeys = init.resultKeys
    this.starts = new Int32Array(init.from.length)
    for (let b = 1; b < init.from.length; b++)
      this.starts[b] = this.starts[b - 1]! + init.from[b - 1]!.batch.rows.length
  }

  get length(): number {
    return this.rows.length
  }

  /** The batch that row i came from and its index there; undefined for a result without origin. */
  origin(i: number): { readonly source: string; readonly batch: Batch; readonly index: number } | undefined {
    if (this.from.length === 0) return undefined
    const at = this.origins ? this.origins[i]! : i
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
    const { source, batch } = this.from[b]!
    return { source, batch, index: at - this.starts[b]! }
  }

  /** The record's id: the one it arrived with, else `pipeline/source/split@position`, plus `#path` where records were multiplied; a result's key. */
  id(i: number): string {
    const origin = this.origin(i)
    if (!origin) return this.resultKeys![i]!
    const { source, batch, index } = origin
    const own = batch.idAt?.(index) ?? `${this.pipeline}/${source}/${batch.split}@${batch.positionAt(index)}`
    return this.paths ? own + this.paths[i]! : own
  }

  /** The ids of all rows. Faster than `id(i)` in a loop where all rows are of one batch. */
  ids(): string[] {
    const parts = this.idParts()
    return parts ? parts.rests.map((rest) => parts.common + rest) : this.rows.map((_, i) => this.id(i))
  }

  /** The ids as what all begin with and what follows in each, which costs less to make and to keep; undefined where they are not all of one batch, by position. */
  idParts(): { readonly common: string; readonly rests: readonly (string | number)[] } | undefined {
    const only = this.from.length === 1 ? this.from[0] : undefined
    if (!only || only.batch.idAt || this.paths) return undefined
    const rests = new Array<string | number>(this.rows.length)
    for (let i = 0; i < rests.length; i++) rests[i] = only.batch.positionAt(this.origins ? this.origins[i]! : i)
    return { common: `${this.pipeline}/${only.source}/${only.batch.split}@`, rests }
  }

  /** The transport key of row i. */
  key(i: number): string | undefined {
    const origin = this.origin(i)
    return origin?.batch.keys?.[origin.index]
  }

  /** Event time of row i in ms UTC; undefined where the spec asks for none. */
  time(i: number): number | undefined {
    const origin = this.origin(i)
    return origin?.batch.times?.[origin.index]
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
    const pickText = (texts: readonly string[] | undefined) =>
      texts && Array.from({ length: n }, (_, k) => texts[indexes[k]!]!)
    return new Records({
      rows,
      from: this.from,
      pipeline: this.pipeline,
      origins,
      paths: pickText(this.paths),
      resultKeys: pickText(this.resultKeys),
    })
  }

  /** The output of a step over these records: `origins` index this set's rows. */
  derive(rows: readonly Row[], origins: Int32Array | undefined, multiplier?: string): Records {
    if (!origins && !multiplier)
      return rows === this.rows
        ? this
        : new Records({
            rows,
            from: this.from,
            pipeline: this.pipeline,
            origins: this.origins,
            paths: this.paths,
            resultKeys: this.resultKeys,
          })
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
    const keys = this.resultKeys
    const resultKeys = keys && Array.from({ length: n }, (_, k) => keys[origins ? origins[k]! : k]!)
    return new Records({ rows, from: this.from, pipeline: this.pipeline, origins: mapped, paths, resultKeys })
  }

  /** Records of several sets as one; what the engine makes of small batches. */
  static concat(sets: readonly Records[]): Records {
    if (sets.length === 1) return sets[0]!
    const first = sets[0]!
    const rows: Row[] = []
    const from: Origin[] = []
    const paths = sets.some((s) => s.paths) ? ([] as string[]) : undefined
    const keys = sets.some((s) => s.resultKeys) ? ([] as string[]) : undefined
    let total = 0
    for (const set of sets) total += set.rows.length
    const origins = new Int32Array(total)
    let base = 0
    let n = 0
    for (const set of sets) {
      for (let i = 0; i < set.rows.length; i++) {
        origins[n++] = base + (set.origins ? set.origins[i]! : i)
        rows.push(set.rows[i]!)
        paths?.push(set.paths?.[i] ?? '')
        keys?.push(set.resultKeys?.[i] ?? '')
      }
      for (const origin of set.from) {
        from.push(origin)
        base += origin.batch.rows.length
      }
    }
    return new Records({ rows, from, pipeline: first.pipeline, origins, paths, resultKeys: keys })
  }
}
