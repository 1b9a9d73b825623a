/**
 * A process simulated inside this one, which is killed at the n-th passing of a crash point.
 *
 * After the kill nothing it still does takes effect. Every later crash point throws, so the engine saves nothing more.
 * Its connectors refuse every call, and the simulated disk loses what was not synced. What SQLite has committed stays,
 * as it does when a real process is killed.
 */
import { onCrashPoint, type ReadContext, type Sink, type Source, SystemError } from '@millrace/core'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Case } from '../case.ts'

/** Kills a process when `point` is passed for the `time`-th time, counted from 1. */
export interface Kill {
  readonly point: string
  readonly time: number
}

class Killed extends Error {
  override readonly name = 'Killed'
  constructor() {
    super('the process was killed')
  }
}

export interface ProcessOptions {
  readonly kill?: Kill | undefined
  /** The outage of the case happens. */
  readonly outage: boolean
  /** Shifts the delays of sources, so that another start reads them in another order. 0: no shift. */
  readonly shift: number
}

export class SimulatedProcess {
  killed = false
  /** How often each crash point was passed. */
  readonly passed = new Map<string, number>()
  /** How many sources were read. */
  reads = 0
  private readonly graph: Case
  private readonly options: ProcessOptions
  private outageCalls = 0
  /** Rejects when it is killed. */
  private readonly death = Promise.withResolvers<never>()

  constructor(graph: Case, options: ProcessOptions) {
    this.graph = graph
    this.options = options
    this.death.promise.catch(() => {})
  }

  /** Runs `body` in this process. One process at a time: crash points have a single listener. */
  async run<T>(body: () => Promise<T>): Promise<T> {
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
    const { kill } = this.options
    if (point !== kill?.point || times !== kill.time) return
    this.killed = true
    const killed = new Killed()
    this.death.reject(killed)
    throw killed
  }

  /** Throws once the process was killed. */
  check(): void {
    if (this.killed) throw new Killed()
  }

  /** Throws a retryable error if the case has an outage here. */
  private outage(node: string, call: NonNullable<Case['outage']>['call']): void {
    const { outage } = this.graph
    if (!this.options.outage || outage?.node !== node || outage.call !== call) return
    if (++this.outageCalls === outage.at)
      throw new SystemError('outage', `${node} was not available for ${call}`, { retry: true })
  }

  /** The source with the delays of the case; it stops yielding batches when the process is killed. */
  source(id: string, source: Source): Source {
    const { commit } = source
    const made: Source = { ...source, read: (ctx) => this.read(id, source, ctx) }
    if (commit)
      made.commit = async (done, ctx) => {
        this.check()
        await commit.call(source, done, ctx)
        this.check()
      }
    return made
  }

  private async *read(id: string, source: Source, ctx: ReadContext): ReturnType<Source['read']> {
    this.reads++
    const { shift } = this.options
    const at = this.graph.sources.findIndex((each) => each.id === id)
    const delays = this.graph.sources[at]?.delays ?? []
    let n = shift
    const delay = async () => {
      const ms = delays[n++ % delays.length]
      if (ms !== undefined) await sleep(ms)
      this.check()
      this.outage(id, 'read')
    }
    if (shift > 0) await sleep([0, 6, 12][(at + shift) % 3])
    await delay()
    // The reader that was killed waits for its source to return, which would wait to be wanted.
    const whenWanted = () => Promise.race([ctx.whenWanted(), this.death.promise])
    for await (const given of source.read({ ...ctx, whenWanted })) {
      this.check()
      yield given
      await delay()
    }
  }

  /** The sink with the delays of the case; it refuses every call once the process was killed. */
  sink(id: string, sink: Sink): Sink {
    const delays = this.graph.sinks.find((each) => each.id === id)?.delays ?? []
    let n = 0
    const delay = async () => {
      const ms = delays[n++ % delays.length]
      if (ms) await sleep(ms)
      this.check()
    }
    const { open, flush, publish } = sink
    const made: Sink = {
      write: async (records, ctx) => {
        this.check()
        await delay()
        this.outage(id, 'write')
        try {
          await sink.write(records, ctx)
        } finally {
          this.check()
        }
        await delay()
      },
      // SQLite connections have to be closed after a kill too; what else fails then does not matter.
      close: () =>
        Promise.resolve(sink.close?.()).catch((error) => {
          if (!this.killed) throw error
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
        await delay()
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
