/** Looks at a topic. */
import { type Env, type Json, type Look, type LookedSplit, type Source, unlessAborted } from '@millrace/core'
import { openTopicReader } from '@millrace/client-kafka'
import type { Position } from './batch.ts'
import type { Options } from './options.ts'

/** `source`: reads it. */
export function lookAt(o: Options, env: Env, source: (stop: 'end' | 'never') => Source): Look {
  const client = openTopicReader(o, env)
  const sources: Source[] = []
  return {
    async splits(whence, signal) {
      const asked = Promise.all([
        client.topic(),
        client.offsets(-2),
        client.offsets(-1),
        ...('fromMs' in whence ? [client.offsets(whence.fromMs)] : []),
      ])
      const [topic, firsts, nexts, since] = await unlessAborted(asked, signal, `looking at ${o.stream}`)
      return topic.leaders.map((_, partition): LookedSplit => {
        const [first, next] = [Number(firsts[partition]), Number(nexts[partition])]
        const split = String(partition)
        const at = since && Number(since[partition])
        const before = 'before' in whence ? whence.before?.[split]?.position : undefined
        const end = before === undefined || before === '' ? next : Number(before)
        const from = 'fromMs' in whence ? (at === -1 ? next : at!) : Math.max(first, end - whence.back)
        return {
          split,
          range: { first, next },
          from: { topic: topic.id, next: from } satisfies Position as unknown as Json,
          start: { position: String(from) },
          isFirst: from <= first,
        }
      })
    },
    read(stop, ctx) {
      const one = source(stop)
      sources.push(one)
      return one.read(ctx)
    },
    async close() {
      await Promise.all([client.close(), ...sources.map((each) => each.close?.())])
    },
  }
}
