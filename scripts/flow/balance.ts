/**
 * Balances a flow across its pipelines: what one says it sent, the next must say it received. Every edge inside a
 * pipeline is balanced by the pipeline itself.
 *
 * A post that the gateway has already accepted under the same idempotency key is answered from its memory and goes no
 * further. A shared stream or store may hold what earlier runs left there.
 */
import type { SinkCounters, SourceCounters } from '@millrace/core'
import type { End, Flow } from './flows.ts'
import type { PipelineSummary } from './run.ts'

export interface Post {
  readonly what: string
  readonly posted: number
  /** Answered from memory. */
  readonly repeated: number
  readonly refused: number
  readonly taken: number
}
export interface Hop {
  readonly stream: string
  readonly written: number
  /** From earlier runs, read for the first time now. */
  readonly earlier: number
  readonly read: number
}
export interface Stored {
  readonly collection: string
  readonly written: number
  readonly documents: number
}
export interface Balance {
  readonly posts: readonly Post[]
  readonly streams: readonly Hop[]
  readonly collections: readonly Stored[]
  /** What does not add up, in sentences. */
  readonly wrong: readonly string[]
}

/** `alone`: nothing was there before, so nothing may be repeated or come from earlier runs. */
export function addUp(
  flow: Flow,
  pipelines: readonly PipelineSummary[],
  documents: ReadonlyMap<string, number>,
  alone: boolean,
): Balance {
  const of = (pipeline: string) => pipelines.find((summary) => summary.pipeline === pipeline)!.counters
  const source = ([pipeline, id]: End): SourceCounters => of(pipeline).sources[id]!
  const sink = ([pipeline, id]: End): SinkCounters => of(pipeline).sinks[id]!
  const wrong: string[] = []
  const demand = (holds: boolean, sentence: string) => void (holds || wrong.push(sentence))
  for (const { pipeline, balances } of pipelines) demand(balances, `${pipeline} does not balance`)
  const delivered = (sinks: readonly End[]) => sinks.reduce((sum, end) => sum + sink(end).delivered, 0)
  const posts = flow.posts.map(({ what, sink: from, source: to, taken: into }): Post => {
    const { in: posted, failed: refused, delivered: accepted } = sink(from)
    const { read } = source(to)
    const taken = delivered(into)
    const repeated = posted - read
    demand(posted === accepted + refused, `${what}: ${posted} posted, but ${accepted} taken and ${refused} refused`)
    demand(
      read === taken + refused,
      `${what}: the gateway got ${read}, but passed on ${taken}, and the client was refused ${refused}`,
    )
    demand(alone ? repeated === 0 : repeated >= 0, `${what}: ${posted} posted, but the gateway got ${read}`)
    return { what, posted, repeated, refused, taken }
  })
  const streams = flow.streams.map(({ name, sinks, source: to }): Hop => {
    const written = delivered(sinks)
    const { read } = source(to)
    const earlier = read - written
    demand(alone ? earlier === 0 : earlier >= 0, `${name}: ${written} written, but ${read} read`)
    return { stream: name, written, earlier, read }
  })
  const collections = flow.collections.map(({ name, sink: into, keyed }): Stored => {
    const { delivered: written } = sink(into)
    const there = documents.get(name) ?? 0
    demand(
      !alone || (keyed ? there <= written && (there > 0 || written === 0) : there === written),
      `${name}: ${written} written, but ${there} documents are there`,
    )
    return { collection: name, written, documents: there }
  })
  return { posts, streams, collections, wrong }
}
