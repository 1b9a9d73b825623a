/** Looks at a stream of Kinesis, which does not number its records: it is looked back by time. */
import type { Env, Json, Look, LookedSplit, Point, Source } from '@millrace/core'
import type { Position } from './batch.ts'
import type { Options } from './options.ts'
import { doneKey } from './shards.ts'

/** The guess of how far apart records are. */
const apartMs = 600

/** `source`: reads it. */
export function lookAt(o: Options, env: Env, source: (stop: 'end' | 'never') => Source): Look {
  const sources: Source[] = []
  return {
    async splits(whence, signal) {
      const { openStream } = await import('@millrace/client-kinesis/driver')
      const stream = openStream(o, env, signal)
      try {
        const [{ identity, retentionMs }, shards] = await Promise.all([stream.facts(), stream.shards()])
        const nowMs = Date.now()
        const oldestMs = nowMs - retentionMs
        return shards.map(({ ShardId }): LookedSplit => {
          const before: Point | undefined = 'before' in whence ? whence.before?.[ShardId!] : undefined
          // A time to come is none that the service takes.
          const fromMs =
            'fromMs' in whence ? Math.min(nowMs, whence.fromMs) : (before?.atMs ?? nowMs) - whence.back * apartMs
          const isFirst = fromMs <= oldestMs
          const position: Position = { stream: identity, from: isFirst ? 'oldest' : fromMs, ms: nowMs }
          return {
            split: ShardId!,
            from: position as unknown as Json,
            start: { position: before?.position ?? '', atMs: fromMs },
            isFirst,
          }
        })
      } finally {
        stream.close()
      }
    },
    read(stop, ctx) {
      const one = source(stop)
      sources.push(one)
      // Nobody waits for parents that are not asked for.
      return one.read({ ...ctx, recall: (key) => (ctx.owns(key.slice(doneKey('').length)) ? undefined : true) })
    },
    async close() {
      for (const each of sources) await each.close?.()
    },
  }
}
