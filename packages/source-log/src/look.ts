/** Looks at a stream of the embedded log. */
import type { Json, Look, LookedSplit, Point, Source, Whence } from '@millrace/core'
import { type Log, openLog } from '@millrace/client-log'
import type { Position } from './batch.ts'

/** `source`: reads it. The log is opened for each look, so that one that was made anew is seen. */
export function lookAt(path: string, source: (stop: 'end' | 'never') => Source): Look {
  return {
    splits(whence) {
      const log = openLog(path)
      try {
        return Promise.resolve(log ? splitsOf(log, whence) : [])
      } finally {
        log?.close()
      }
    },
    read: (stop, ctx) => source(stop).read(ctx),
    close: () => Promise.resolve(),
  }
}

const splitsOf = (log: Log, whence: Whence): LookedSplit[] =>
  Array.from({ length: log.partitions }, (_, partition) => {
    const range = log.range(partition)
    const split = String(partition)
    const from =
      'fromMs' in whence
        ? (log.from(partition, whence.fromMs) ?? range.next)
        : Math.max(range.first, endOf(whence.before?.[split], range.next) - whence.back)
    return {
      split,
      range,
      from: { log: log.id, next: from } satisfies Position as unknown as Json,
      start: { position: String(from) },
      isFirst: from <= range.first,
    }
  })

const endOf = (before: Point | undefined, next: number): number =>
  before === undefined || before.position === '' ? next : Number(before.position)
