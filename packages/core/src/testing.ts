/**
 * In-memory connectors for tests of the engine, and plans made of them without a spec. They fulfil the contract like
 * any other connector.
 */
import {
  defineSink,
  defineSource,
  defineTransform,
  type Sink,
  type SinkCapabilities,
  type SinkDefinition,
  type Source,
  type SourceCapabilities,
  type SourceDefinition,
  type Transform,
  type TransformDefinition,
} from './connector/index.ts'
import { deadLetterSchema } from './connector/dead-letter.ts'
import { option } from './connector/options.ts'
import type { Plan, PlanEventTime, PlanSink, PlanSource, PlanStep } from './plan/index.ts'
import type { RetryRule } from './spec/index.ts'
import { type BadRecord, batch, type Json, type Row } from './record/index.ts'
import { type Registry, registryOf } from './registry/index.ts'
import type { RecordType } from './schema/index.ts'

export { virtualClock, type VirtualClock } from './cases/clock.ts'

/** Yields `rows` in batches of `size`; the position is the number of records yielded. `bad` maps an index to a code. */
export function memorySource(
  rows: readonly Row[],
  more: { size?: number; split?: string; bad?: ReadonlyMap<number, string>; caughtUp?: boolean } = {},
): Source {
  const { size = 10, split = 'memory' } = more
  return {
    async *read({ resume, signal }) {
      yield { splits: [{ id: split }], complete: true }
      for (let at = (resume(split) as number | undefined) ?? 0; at < rows.length && !signal.aborted; at += size) {
        const end = Math.min(rows.length, at + size)
        const good: number[] = []
        const bad: BadRecord[] = []
        for (let i = at; i < end; i++) {
          const code = more.bad?.get(i)
          if (!code) good.push(i)
          else {
            const bytes = Buffer.from(JSON.stringify(rows[i]))
            bad.push({ position: i, code, message: `record ${i} is bad`, bytes, before: good.length })
          }
        }
        yield batch({
          split,
          rows: good.map((i) => rows[i]!),
          position: end,
          positionAt: (i) => good[i]!,
          rawAt: (i) => Buffer.from(JSON.stringify(rows[good[i]!])),
          bad: bad.length ? bad : undefined,
          bytes: (end - at) * 50,
          caughtUp: more.caughtUp,
          end: end === rows.length,
        })
      }
    },
  }
}

/** Keeps documents by record id in a Map that outlives the run; `fail` may throw for a write. */
export function memorySink(
  into: Map<string, Row>,
  more: Partial<Sink> & { onWrite?: (ids: readonly string[], rows: readonly Row[]) => void | Promise<void> } = {},
): Sink {
  const { onWrite, ...rest } = more
  return {
    async write(records) {
      const ids = records.ids()
      await onWrite?.(ids, records.rows)
      for (const [i, id] of ids.entries()) into.set(id, records.rows[i]!)
    },
    ...rest,
  }
}

/** Counts rows by a field, in state; emits results at the end of a bounded run. The smallest possible stateful step. */
export function countBy(field: string): Transform {
  const counts = new Map<string, number>()
  const changed = new Set<string>()
  return {
    apply({ rows }) {
      for (const row of rows) {
        const key = String(row[field])
        counts.set(key, (counts.get(key) ?? 0) + 1)
        changed.add(key)
      }
      return { rows: [], held: rows.length }
    },
    advance({ end }, out) {
      if (!end) return true
      for (const [key, n] of counts) {
        out.result({ [field]: key, count: n }, { key: [key] })
        changed.add(key)
      }
      counts.clear()
      return true
    },
    takeChanges() {
      const changes = [...changed].map((key) => [key, counts.has(key) ? String(counts.get(key)) : null] as const)
      changed.clear()
      return changes
    },
    restore(saved) {
      for (const [key, value] of saved.entries()) counts.set(key, Number(value))
    },
  }
}

/** A source of a test pipeline, with capabilities beyond a bounded source with one lane per split. */
export interface TestSource {
  readonly create: () => Source
  readonly capabilities?: Partial<SourceCapabilities>
  readonly eventTime?: PlanEventTime
  /** Default: any fields. With the field of its event time, that is read from the rows. */
  readonly schema?: RecordType
  readonly onError?: PlanSource['onError']
  readonly answer?: PlanSource['answer']
}

/** A step of a test pipeline, with what its definition and the check would say about it. */
export interface TestStep
  extends Partial<
    Pick<PlanStep, 'from' | 'namedFrom' | 'inputs' | 'stateful' | 'counts' | 'ordered' | 'multiplies' | 'partitionedBy'>
  > {
  readonly create: () => Transform
  /** Named outputs. */
  readonly sideOutputs?: readonly string[]
}

export interface TestSink {
  readonly create: () => Sink
  readonly from?: readonly string[]
  readonly namedFrom?: readonly string[]
  readonly capabilities?: Partial<SinkCapabilities>
}

/** The parts of a test pipeline; steps and sinks read the one before unless `from` says otherwise. */
export interface TestPipeline {
  readonly name?: string
  readonly runs?: 'whole' | 'continue'
  readonly onError?: Plan['onError']
  readonly stopAbove?: number
  /** Applies to every connector. */
  readonly retry?: RetryRule
  readonly sources: Readonly<Record<string, (() => Source) | TestSource>>
  readonly steps?: Readonly<Record<string, TestStep>>
  readonly sinks: Readonly<Record<string, TestSink>>
  readonly deadLetter?: () => Sink
}

const anything: RecordType = { fields: {}, open: true }
const none = option.object({})

/** A plan and its registry, for `run`. */
export function testPipeline(pipeline: TestPipeline): { readonly plan: Plan; readonly registry: Registry } {
  const definitions: (SourceDefinition | SinkDefinition | TransformDefinition)[] = []
  const onError = pipeline.onError ?? 'stop'
  const { retry } = pipeline
  const common = (id: string) => ({ id, type: id, package: 'testing', config: {} as Json, retry })
  const named = <K extends string>(kind: K, id: string) => ({ kind, type: id, summary: id, options: none })

  const sources = Object.entries(pipeline.sources).map(([id, given]): PlanSource => {
    const source: TestSource = typeof given === 'function' ? { create: given } : given
    const capabilities = { bounded: true, replayable: true, lanes: 'split', ...source.capabilities } as const
    definitions.push(
      defineSource({
        ...named('source', id),
        capabilities: () => capabilities,
        create: source.create,
        decoder: () => (bytes) => JSON.parse(Buffer.from(bytes).toString()) as Row,
      }),
    )
    const { eventTime, answer, schema = anything } = source
    return {
      ...common(id),
      schema,
      unknownFields: 'keep',
      output: anything,
      pushed: [],
      capabilities,
      onError: source.onError ?? onError,
      ...(eventTime ? { eventTime } : {}),
      ...(answer ? { answer } : {}),
    }
  })

  let last = sources[0]!.id
  const steps = Object.entries(pipeline.steps ?? {}).map(
    ([id, { create, sideOutputs = [], from = [last], ...step }]): PlanStep => {
      definitions.push(
        defineTransform({ ...named('transform', id), infer: () => ({ output: anything, problems: [] }), create }),
      )
      last = id
      return {
        ...common(id),
        input: anything,
        output: anything,
        sideInputs: {},
        onError,
        stateful: false,
        multiplies: false,
        counts: false,
        ordered: false,
        namedFrom: [],
        stateHash: 'test',
        ...step,
        from,
        sideOutputs: Object.fromEntries(sideOutputs.map((name) => [name, anything])),
      }
    },
  )

  const sinkOf = (id: string, sink: TestSink, from: readonly string[], input: RecordType): PlanSink => {
    const capabilities = {
      label: 'effectively-once',
      how: 'by record id',
      key: 'record_id',
      ...sink.capabilities,
    } as const
    definitions.push(defineSink({ ...named('sink', id), capabilities: () => capabilities, create: sink.create }))
    return { ...common(id), from, namedFrom: sink.namedFrom ?? [], input, capabilities }
  }
  const sinks = Object.entries(pipeline.sinks).map(([id, sink]) => sinkOf(id, sink, sink.from ?? [last], anything))
  const deadLetter = pipeline.deadLetter && {
    ...sinkOf('dead_letter', { create: pipeline.deadLetter }, [], deadLetterSchema),
    ...(pipeline.stopAbove === undefined ? {} : { stopAbove: pipeline.stopAbove }),
  }
  const plan: Plan = {
    version: 1,
    name: pipeline.name ?? 'test',
    profile: 'local',
    runs: pipeline.runs ?? 'whole',
    delivery: { label: 'effectively-once', weakest: '' },
    parallelism: 1,
    sources,
    steps,
    sinks,
    onError,
    specHash: 'test',
    deadLetter,
  }
  return { plan, registry: registryOf(definitions.map((definition) => ({ definition, package: 'testing' }))) }
}
