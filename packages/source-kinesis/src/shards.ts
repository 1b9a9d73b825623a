/**
 * The shards of a stream and what is known of each. A shard that was split or merged is closed: it is read to its end,
 * and only when all its parents have ended does a child begin, at its oldest record, so a key keeps its order.
 */
import { MillraceError, type ReadContext } from '@millrace/core'
import type { Shard, ShardStart, StreamFacts } from '@millrace/client-kinesis/driver'
import type { Position } from './batch.ts'
import type { Options } from './options.ts'

/** A shard that is read, or waits for its parents. */
export interface Lane {
  readonly id: string
  readonly parents: readonly string[]
  position: Position
  iterator: string | undefined
  /** When it may be read next, by the limits of the service. */
  dueMs: number
  /** How long to wait after a read that found nothing. */
  idleMs: number
  savedMs: number
  ended: boolean
}

/** In the source's memory: a closed shard that was read to its end. */
export const doneKey = (shard: string): string => `done:${shard}`

/** Where reading of a lane begins. */
export function startOf({ position }: Lane): ShardStart {
  if (position.after !== undefined) return { after: position.after }
  return typeof position.from === 'number' ? { fromMs: position.from } : { from: 'beginning' }
}

const parentsOf = (shard: Shard): string[] =>
  [shard.ParentShardId, shard.AdjacentParentShardId].filter((id) => id !== undefined)

/**
 * The lanes of shards that are not known yet and not read to their end. `startMs`: for a stream of which nothing was
 * read before; undefined: the oldest records. Throws if records are gone that were not read.
 */
export function newLanes(
  shards: readonly Shard[],
  lanes: ReadonlyMap<string, Lane>,
  facts: StreamFacts,
  o: Options,
  read: ReadContext,
  startMs: number | undefined,
): Lane[] {
  const listed = new Set(shards.map(({ ShardId }) => ShardId!))
  const isDone = (id: string) => lanes.get(id)?.ended === true || read.recall(doneKey(id)) !== undefined
  const now = Date.now()
  return shards.flatMap((shard): Lane[] => {
    const id = shard.ShardId!
    if (lanes.has(id) || isDone(id)) return []
    const parents = parentsOf(shard)
    let saved = read.resume(id) as unknown as Position | undefined
    if (saved && saved.stream !== facts.identity) throw recreated(o)
    for (const parent of saved ? [] : parents)
      if (!listed.has(parent) && !isDone(parent) && read.resume(parent) !== undefined) gap(parent, o, read)
    if (saved && saved.ms < now - facts.retentionMs) {
      gap(id, o, read)
      saved = undefined
    }
    const from = startMs ?? ('oldest' as const)
    const position = saved ?? { stream: facts.identity, from, ms: now }
    return [{ id, parents, position, iterator: undefined, dueMs: 0, idleMs: 0, savedMs: now, ended: false }]
  })
}

/** Whether a lane's parents have ended, or are gone. */
export const isReady = (lane: Lane, lanes: ReadonlyMap<string, Lane>): boolean =>
  lane.parents.every((id) => lanes.get(id)?.ended ?? true)

function gap(shard: string, o: Options, read: ReadContext): void {
  const message = `${shard} of ${o.stream} was read last longer ago than the stream keeps records`
  if (o.on_gap === 'earliest') {
    read.warn(`${message}; reading continues with the oldest record it has`)
    return
  }
  throw new MillraceError('offset_out_of_range', message, {
    place: `stream ${o.stream}, ${shard}`,
    hint: 'records may be lost to this pipeline; `on_gap: earliest` continues with what is left',
  })
}

/** The stream is not the one its positions belong to. */
export const recreated = (o: Options): MillraceError =>
  new MillraceError(
    'source_replaced',
    `stream ${o.stream} is not the one that was read before, so its saved positions are meaningless`,
    {
      place: `stream ${o.stream}`,
      hint: 'if this is intended, discard its positions: pipe state reset PIPELINE; or give the source a new id',
    },
  )
