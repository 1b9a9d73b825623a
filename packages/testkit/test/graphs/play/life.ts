/**
 * One start of a process inside this one. It dies at the n-th passing of a crash point: from then on nothing that it
 * still does has an effect. The engine hears an error at each further point, so it saves nothing; its connectors refuse
 * every call, and files behind the simulated disk forget what was not synced. What SQLite has committed stays, as it
 * does when a process is killed.
 */
import { onCrashPoint, type ReadContext, type Sink, type Source, SystemError } from '@millrace/core'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Case } from '../case.ts'

/** Where a life ends. */
export interface Death {
  readonly point: string
  /** The how-manieth passing. */
  readonly time: number
}

class Killed extends Error {
  override readonly name = 'Killed'
  constructor() {
    super('this process is dead')
  }
}

export class Life {
  dead = false
  /** How often each crash point was passed. */
  readonly passed = new Map<string, number>()
  /** How many sources began to be read. */
  reads = 0
  private readonly death: Death | undefined
  private readonly graph: Case
  private readonly outages: boolean
  private calls = 0
  private readonly pace: number

  /** `pace`: how soon and how fast each source comes, so that several lives read their sources in different orders. */
  constructor(
    graph: Case,
    options: { readonly death?: Death | undefined; readonly outages: boolean; readonly pace: number },
  ) {
    this.graph = graph
    this.pace = options.pace
    this.death = options.death
    this.outages = options.outages
  }

  /** Runs a body as this process. */
  async live<T>(body: () => Promise<T>): Promise<T> {
    onCrashPoint((point) => this.pass(point))
    try {
      return await body()
    } finally {
      onCrashPoint(undefined)
    }
  }

  private pass(point: string): void {
    this.check()
    const times = (this.passed.get(point) ?? 0) + 1
    this.passed.set(point, times)
    if (point !== this.death?.point || times !== this.death.time) return
    this.dead = true
    throw new Killed()
  }

  /** Throws once the process is dead. */
  check(): void {
    if (this.dead) throw new Killed()
  }

  /** Fails, in a way that passes, where the case says so. */
  private outage(node: string, call: NonNullable<Case['outage']>['call']): void {
    const { outage } = this.graph
    if (!this.outages || outage?.node !== node || outage.call !== call || ++this.calls !== outage.at) return
    throw new SystemError('outage', `${node} was away when asked to ${call}`, { retry: true })
  }

  /** A source that takes its time, and that a dead process does not read. */
  source(id: string, source: Source): Source {
    const { commit } = source
    const mortal: Source = { ...source, read: (ctx) => this.reading(id, source, ctx) }
    if (commit)
      mortal.commit = async (done, ctx) => {
        this.check()
        await commit.call(source, done, ctx)
        this.check()
      }
    return mortal
  }

  private async *reading(id: string, source: Source, ctx: ReadContext): ReturnType<Source['read']> {
    this.reads++
    const at = this.graph.sources.findIndex((each) => each.id === id)
    const pauses = this.graph.sources[at]?.pauses ?? []
    let n = this.pace
    const next = async () => {
      const ms = pauses[n++ % pauses.length]
      if (ms !== undefined) await sleep(ms)
      this.check()
      this.outage(id, 'read')
    }
    if (this.pace > 0) await sleep([0, 6, 12][(at + this.pace) % 3])
    await next()
    for await (const given of source.read(ctx)) {
      this.check()
      yield given
      await next()
    }
  }

  /** A sink that takes its time, and that a dead process does not reach. */
  sink(id: string, sink: Sink): Sink {
    const pauses = this.graph.sinks.find((each) => each.id === id)?.pauses ?? []
    let n = 0
    const pause = async () => {
      const ms = pauses[n++ % pauses.length]
      if (ms) await sleep(ms)
      this.check()
    }
    const { open, flush, publish } = sink
    const made: Sink = {
      write: async (records, ctx) => {
        this.check()
        await pause()
        this.outage(id, 'write')
        try {
          await sink.write(records, ctx)
        } finally {
          this.check()
        }
        await pause()
      },
      // Handles of SQLite are given back also where the rest of it fails on a disk that is out of reach.
      close: () =>
        Promise.resolve(sink.close?.()).catch((error) => {
          if (!this.dead) throw error
        }),
    }
    if (open)
      made.open = async (ctx) => {
        this.check()
        this.outage(id, 'open')
        await open.call(sink, ctx)
        this.check()
      }
    if (flush)
      made.flush = async (ctx) => {
        this.check()
        await pause()
        this.outage(id, 'flush')
        const flushed = await flush.call(sink, ctx)
        this.check()
        return flushed
      }
    if (publish)
      made.publish = async (stage, ctx) => {
        this.check()
        this.outage(id, 'publish')
        await publish.call(sink, stage, ctx)
        this.check()
      }
    if (sink.full) made.full = () => sink.full!()
    return made
  }
}
