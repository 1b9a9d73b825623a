/** In-memory connectors for tests of the engine, and a plan of them without a spec. They keep the contract like any other. */
import {
  defineSink,
  defineSource,
  defineTransform,
  type Sink,
  type SinkDefinition,
  type Source,
  type SourceDefinition,
  type Transform,
  type TransformDefinition,
} from './connector.ts'
import { deadLetterSchema } from './dead-letter.ts'
import { option } from './options.ts'
import type { Plan, PlanSink, PlanSource, PlanStep } from './plan.ts'
import { type BadRecord, batch, type Json, type Row } from './record.ts'
import { type Registry, registryOf } from './registry.ts'
import type { RecordType } from './schema.ts'

/** Yields `rows` in batches of `size`, position = number of records given out; `bad` maps an index to a code. */
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
          if (code)
            bad.push({ position: i, code, message: `record ${i} is bad`, bytes: Buffer.from(JSON.stringify(rows[i])) })
          else good.push(i)
        }
        yield batch({
          split,
          rows: good.map((i) => rows[i]!),
          position: end,
          positionAt: (i) => good[i]!,
          rawAt: (i) => Buffer.from(JSON.stringify(rows[good[i]!])),
          ...(bad.length ? { bad } : {}),
          bytes: (end - at) * 50,
          ...(more.caughtUp ? { caughtUp: true } : {}),
          ...(end === rows.length ? { end: true } : {}),
        })
      }
    },
  }
}

/** Keeps documents by record id in a Map that outlives the run; `fail` may throw what it wants for a write. */
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

/** Counts rows by a field, in state; results come at the end of a whole run. The smallest stateful step there is. */
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
    cut() {
      const changes = [...changed].map((key) => [key, counts.has(key) ? String(counts.get(key)) : null] as const)
      changed.clear()
      return changes
    },
    restore(saved) {
      for (const [key, value] of saved.entries()) counts.set(key, Number(value))
    },
  }
}

/** What a test pipeline is made of; steps and sinks read the one before unless `from` says otherwise. */
export interface TestPipeline {
  readonly name?: string
  readonly runs?: 'whole' | 'continue'
  readonly onError?: Plan['onError']
  readonly stopAbove?: number
  readonly sources: Readonly<Record<string, () => Source>>
  readonly steps?: Readonly<
    Record<
      string,
      {
        readonly from?: readonly string[]
        readonly create: () => Transform
        readonly sides?: readonly string[]
        readonly multiplies?: boolean
      }
    >
  >
  readonly sinks: Readonly<
    Record<
      string,
      { readonly from?: readonly string[]; readonly create: () => Sink; readonly checkpointsOnRoll?: boolean }
    >
  >
  readonly deadLetter?: () => Sink
}

const anything: RecordType = { fields: {}, open: true }
const none = option.object({})

/** A plan and its registry, for `run`. */
export function testPipeline(pipeline: TestPipeline): { readonly plan: Plan; readonly registry: Registry } {
  const definitions: (SourceDefinition | SinkDefinition | TransformDefinition)[] = []
  const common = (id: string) => ({ id, type: id, package: 'testing', config: {} as Json })
  const onError = pipeline.onError ?? 'stop'
  const sources = Object.entries(pipeline.sources).map(([id, create]): PlanSource => {
    const capabilities = { bounded: true, replayable: true, lanes: 'split' } as const
    definitions.push(
      defineSource({
        kind: 'source',
        type: id,
        summary: id,
        options: none,
        capabilities: () => capabilities,
        create,
        decoder: () => (bytes) => JSON.parse(Buffer.from(bytes).toString()) as Row,
      }),
    )
    return {
      ...common(id),
      schema: anything,
      unknownFields: 'keep',
      output: anything,
      pushed: [],
      capabilities,
      onError,
    }
  })
  let last = sources[0]!.id
  const steps = Object.entries(pipeline.steps ?? {}).map(([id, step]): PlanStep => {
    definitions.push(
      defineTransform({
        kind: 'transform',
        type: id,
        summary: id,
        options: none,
        infer: () => ({ output: anything, problems: [] }),
        create: step.create,
      }),
    )
    const from = step.from ?? [last]
    last = id
    const sides = Object.fromEntries((step.sides ?? []).map((name) => [name, anything]))
    return {
      ...common(id),
      from,
      input: anything,
      output: anything,
      sides,
      sideInputs: {},
      onError,
      stateful: false,
      multiplies: step.multiplies ?? false,
      stateHash: 'test',
    }
  })
  const sinkOf = (
    id: string,
    create: () => Sink,
    from: readonly string[],
    input: RecordType,
    checkpointsOnRoll = false,
  ): PlanSink => {
    const capabilities = { label: 'effectively-once', how: 'by record id', checkpointsOnRoll } as const
    definitions.push(
      defineSink({ kind: 'sink', type: id, summary: id, options: none, capabilities: () => capabilities, create }),
    )
    return { ...common(id), from, input, capabilities }
  }
  const sinks = Object.entries(pipeline.sinks).map(([id, sink]) =>
    sinkOf(id, sink.create, sink.from ?? [last], anything, sink.checkpointsOnRoll),
  )
  const deadLetter = pipeline.deadLetter && {
    ...sinkOf('dead_letter', pipeline.deadLetter, [], deadLetterSchema),
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
    ...(deadLetter ? { deadLetter } : {}),
  }
  return { plan, registry: registryOf(definitions.map((definition) => ({ definition, package: 'testing' }))) }
}
