/** Reads a source as the engine does, for the source suite: in this process or, with the same request, in a child. */
import {
  freshRead,
  isBatch,
  type Batch,
  type Beside,
  type Env,
  type Json,
  type Push,
  type ReadContext,
  type RecordType,
  Records,
  type Row,
  type Source,
  type SourceCapabilities,
  type SourceDefinition,
} from '@millrace/core'

/** How a source is made. Plain data, so that it can be sent to a child. */
export interface SourceMaking {
  readonly options: unknown
  readonly schema: RecordType
  readonly unknownFields?: 'drop' | 'error' | 'keep'
  readonly push?: Push
}

/** One record as read, with all its properties. */
export interface ReadRecord extends Beside {
  readonly split: string
  readonly position: string | number
  readonly id: string
  readonly row: Row
  readonly raw: Uint8Array | undefined
  /** The context for decoding it again. */
  readonly context: Json | undefined
}
export interface ReadBad extends Beside {
  readonly split: string
  readonly position: string | number
  readonly code: string
  readonly field: string | undefined
  readonly step: string | undefined
  readonly bytes: Uint8Array
  readonly context: Json | undefined
}

/** The result of a read, batch by batch. */
export interface ReadBatch {
  readonly split: string
  readonly position: Json | undefined
  readonly records: readonly ReadRecord[]
  readonly bad: readonly ReadBad[]
  readonly dropped: NonNullable<Batch['dropped']>
  readonly remember: readonly (readonly [string, Json | null])[]
  readonly bytes: number
  readonly end: boolean
}

export interface ReadUntil {
  readonly resume?: ReadonlyMap<string, Json>
  readonly recall?: ReadonlyMap<string, Json>
  readonly signal?: AbortSignal
  /** When the run began, ms UTC; default: the same in every read. */
  readonly beganMs?: number
  /** For unbounded sources: stop after this many records, when no more are available. */
  readonly records?: number | undefined
  /** As the source's capabilities declare; default: `one`. */
  readonly lanes?: SourceCapabilities['lanes']
  readonly owns?: ReadContext['owns']
  readonly wants?: ReadContext['wants']
  readonly whenWanted?: ReadContext['whenWanted']
  /** Called with each batch, before the next is requested. */
  onBatch?(batch: Batch, index: number): void
  onSplits?(splits: readonly string[]): void
  /** Called when splits have nothing more, with or without a batch; empty: all of a source whose lanes are one. */
  onCaughtUp?(splits: readonly string[]): void
}

export function makeSource(definition: SourceDefinition, making: SourceMaking, env: Env): Source {
  const { schema, push, unknownFields = 'drop' } = making
  return definition.create(making.options, { ...env, schema, unknownFields, ...(push ? { push } : {}) })
}

export const readContext = (until: ReadUntil, signal: AbortSignal): ReadContext =>
  freshRead(signal, {
    resume: (split) => until.resume?.get(split),
    recall: (key) => until.recall?.get(key),
    recallAll: (prefix) =>
      [...(until.recall ?? [])].filter(([key]) => key.startsWith(prefix)).sort(([a], [b]) => (a < b ? -1 : 1)),
    beganMs: until.beganMs ?? Date.UTC(2026, 0, 1),
    ...(until.owns ? { owns: until.owns } : {}),
    ...(until.wants ? { wants: until.wants } : {}),
    ...(until.whenWanted ? { whenWanted: until.whenWanted } : {}),
  })

/** Reads to the end, or as `until` says, and closes the source. */
export async function readAll(source: Source, env: Env, until: ReadUntil = {}): Promise<ReadBatch[]> {
  const stop = new AbortController()
  const signal = until.signal ? AbortSignal.any([until.signal, stop.signal]) : stop.signal
  const batches: ReadBatch[] = []
  /** Splits that may have more. */
  const open = new Set<string>()
  let seen = 0
  const caughtUp = (splits: readonly string[]) => {
    until.onCaughtUp?.(splits)
    if (splits.length === 0) open.clear()
    for (const split of splits) open.delete(split)
    if (until.records !== undefined && seen >= until.records && open.size === 0) stop.abort()
  }
  try {
    for await (const given of source.read(readContext(until, signal))) {
      if ('splits' in given) {
        const splits = given.splits.map((split) => split.id)
        for (const split of splits) open.add(split)
        until.onSplits?.(splits)
      } else if (!isBatch(given)) caughtUp(given.caughtUp)
      else {
        until.onBatch?.(given, batches.length)
        batches.push(describeBatch(given, env))
        seen += given.rows.length + (given.bad?.length ?? 0)
        for (const [, n] of given.dropped ?? []) seen += n
        if (given.end) open.delete(given.split)
        else open.add(given.split)
        if (given.caughtUp) caughtUp(until.lanes === 'split' ? [given.split] : [])
      }
    }
  } catch (error) {
    if (!signal.aborted || (error as Error).name !== 'AbortError') throw error
  } finally {
    await source.close?.()
  }
  return batches
}

function describeBatch(batch: Batch, env: Env): ReadBatch {
  const ids = new Records({ rows: batch.rows, from: [{ source: env.id, batch }], pipeline: env.pipeline }).ids()
  return {
    split: batch.split,
    position: batch.position,
    records: batch.rows.map((row, i) => ({
      split: batch.split,
      position: batch.positionAt(i),
      id: ids[i]!,
      row,
      raw: batch.rawAt && Uint8Array.from(batch.rawAt(i)),
      context: batch.contextAt ? batch.contextAt(i) : batch.context,
      key: batch.keys?.[i],
      headers: batch.headersAt?.(i),
      tombstone: batch.tombstoneAt?.(i),
    })),
    bad: (batch.bad ?? []).map(({ position, code, field, step, bytes, context, key, headers, tombstone }) => ({
      split: batch.split,
      position,
      code,
      field,
      step,
      bytes: Uint8Array.from(bytes),
      context: context ?? batch.context,
      key,
      headers,
      tombstone,
    })),
    dropped: batch.dropped ?? [],
    remember: batch.remember ?? [],
    bytes: batch.bytes,
    end: batch.end === true,
  }
}

export const recordsOf = (batches: readonly ReadBatch[]): ReadRecord[] => batches.flatMap((batch) => batch.records)
export const badOf = (batches: readonly ReadBatch[]): ReadBad[] => batches.flatMap((batch) => batch.bad)
