/**
 * Dead-letter replay: records that could not pass go through the pipeline again, with the current spec, under their own id.
 *
 * A letter re-enters at decoding, since the spec that failed it may have changed, and runs through the steps that lead to where it stopped. From there on its
 * outputs are delivered; branches that took it the first time do not get it again. So for each node at which letters stopped, a part of the graph is run: the
 * way to that node, a filter that lets only the letters themselves in (of several records made of one, only the one that failed), the node, and all that
 * follows it. Steps with memory on the way are passed with an empty one: they have seen the record before. What was replayed is remembered by id, node and spec,
 * so that replaying twice is harmless; what fails again stays where it is, in the dead letter.
 */
import { DataError, MillraceError } from '../errors.ts'
import { rowFromJson } from '../convert.ts'
import { type Plan, type PlanSource, type PlanStep, resolveConfig } from '../plan.ts'
import { type BadRecord, type Batch, type Json, type Row } from '../record.ts'
import type { RecordType } from '../schema.ts'
import type { Registry } from '../registry.ts'
import { instanceFolders } from '../rescale.ts'
import { openStore, type Store, stateFolder } from '../store.ts'
import { type Component, runComponent } from './component.ts'
import { sourceCounters, stepCounters } from './counters.ts'
import type { SourceNode, StepNode } from './graph.ts'
import { envOf, instantiate, type Surroundings } from './instantiate.ts'
import { loadSides } from './sides.ts'

/** A dead letter as it is read back: a row of `deadLetterSchema`. */
export interface Letter {
  readonly id: string
  readonly path: string | null
  readonly source: string
  readonly split: string
  readonly position: string
  readonly step: string
  readonly code: string
  readonly context: string | null
  readonly form: string
  readonly bytes: string
}

/** What became of the letters. */
export interface ReplaySummary {
  readonly letters: number
  /** Delivered now. */
  readonly replayed: number
  /** Replayed before with this spec, or several times in the dead letter. */
  readonly skipped: number
  readonly failedAgain: readonly {
    readonly id: string
    readonly step: string
    readonly code: string
    readonly message?: string
  }[]
}

/** Replays letters. Takes the pipeline's lock, so the pipeline must not be running. */
export async function replay(
  plan: Plan,
  registry: Registry,
  letters: Iterable<Letter>,
  options: Surroundings & { readonly signal?: AbortSignal },
): Promise<ReplaySummary> {
  // What was replayed is remembered by the first of several instances.
  const store = openStore(instanceFolders(options.home, plan.name)[0]?.folder ?? stateFolder(options.home, plan.name))
  try {
    const state = store.run()
    if (!state)
      throw new MillraceError('no_state', `${plan.name} has not run yet: there is nothing to replay into`, {
        hint: 'run it first',
        exitCode: 2,
      })
    const byNode = new Map<string, Map<string, Letter>>()
    let all = 0
    let fresh = 0
    for (const letter of letters) {
      all++
      if (store.replayed(letter.id, letter.step, plan.specHash)) continue
      let group = byNode.get(letter.step)
      if (!group) byNode.set(letter.step, (group = new Map()))
      if (!group.has(letter.id)) fresh++
      group.set(letter.id, letter)
    }
    const failedAgain: { id: string; step: string; code: string; message?: string }[] = []
    for (const [node, group] of byNode) {
      const failed = await replayAt(node, [...group.values()], plan, registry, store, options, state)
      const again = new Set(failed.map((f) => f.id))
      store.recordReplayed(
        [...group.values()].filter((l) => !again.has(l.id)).map((l) => ({ id: l.id, step: node })),
        plan.specHash,
      )
      failedAgain.push(...failed.map((f) => ({ ...f, step: node })))
    }
    return { letters: all, replayed: fresh - failedAgain.length, skipped: all - fresh, failedAgain }
  } finally {
    store.close()
  }
}

async function replayAt(
  node: string,
  letters: readonly Letter[],
  plan: Plan,
  registry: Registry,
  store: Store,
  options: Surroundings & { readonly signal?: AbortSignal },
  state: { readonly incarnation: number; readonly ended: boolean },
): Promise<{ id: string; code: string; message?: string }[]> {
  const part = partFrom(node, plan)
  if (state.ended && part.steps.some((s) => s.stateful && part.after.has(s.id))) {
    throw new MillraceError(
      'replay_into_ended',
      `letters stopped at ${node}, and a step with memory follows it, whose run has ended`,
      {
        place: node,
        hint: 'its results are final: run the pipeline again with the mended spec',
      },
    )
  }
  const failed = new Map<string, { id: string; code: string; message?: string }>()
  const instance = instantiate(part.plan, registry, options)
  const abort = new AbortController()
  try {
    const rest = mergeOf(instance.components, part.plan)
    const from = [...part.plan.steps, ...part.plan.sinks].find((n) => n.id === node)?.from ?? []
    const gated: Component = {
      ...rest,
      steps: rest.steps
        .map((s) => (part.before.has(s.id) ? withoutMemory(s) : s))
        .flatMap((s) => (s.id === node ? [{ ...s, plan: { ...s.plan, from: [gateOf(node)] } }] : [s]))
        .concat(gate(node, from, new Set(letters.map((l) => l.id)))),
      sinks: rest.sinks.map((s) => (s.id === node ? { ...s, from: [gateOf(node)] } : s)),
      sources: [
        ...part.plan.sources
          .filter((s) => !s.side)
          .map((s) =>
            letterSource(
              s.id,
              letters.filter((l) => l.source === s.id),
              decoderOf(s, part.plan, registry, options),
            ),
          ),
        letterSource(
          directOf(node),
          letters.filter((l) => l.source === ''),
          rowDecoder(part.inputOf),
        ),
      ],
      onFailed: (f) => failed.set(f.id, { id: f.id, code: f.code, ...(f.message ? { message: f.message } : {}) }),
    }
    for (const s of gated.sinks) {
      const restore = store.resume(s.id)
      await s.sink.open?.({
        signal: abort.signal,
        incarnation: state.incarnation,
        instance: { i: 0, n: 1 },
        existing: 'keep',
        start: store.start,
        warn: () => {},
        ...(restore === undefined ? {} : { restore }),
      })
    }
    for (const s of gated.steps) if (part.after.has(s.id) || s.id === node) s.transform.restore?.(store.saved(s.id))
    await loadSides(gated.steps, instance.sides, plan, abort.signal, () => {})
    const ending = await runComponent(gated, {
      store: { ...store, save: (save) => store.save({ ...save, positions: [], counters: {} }) },
      whole: false,
      stop: options.signal ?? abort.signal,
      abort,
      observe: () => {},
      progress: { bytes: 0, totalBytes: 0, complete: true },
      instance: { i: 0, n: 1 },
    })
    store.recordPublished(ending.published)
  } finally {
    abort.abort()
    for (const c of instance.components) for (const s of c.sinks) await s.sink.close?.()
  }
  return [...failed.values()]
}

/** The nodes that lead to `node`, those that follow it, and a plan of just these, with nothing pushed down. */
function partFrom(
  node: string,
  plan: Plan,
): {
  readonly plan: Plan
  readonly before: ReadonlySet<string>
  readonly after: ReadonlySet<string>
  readonly steps: readonly PlanStep[]
  readonly inputOf: RecordType
} {
  const owner = (name: string): string => plan.steps.find((s) => s.sides[name])?.id ?? name
  const before = new Set<string>()
  const climb = (id: string) => {
    const from = [...plan.steps, ...plan.sinks].find((n) => n.id === id)?.from ?? []
    for (const name of from) {
      const up = owner(name)
      if (!before.has(up)) {
        before.add(up)
        climb(up)
      }
    }
  }
  climb(node)
  const after = new Set<string>()
  for (const s of [...plan.steps, ...plan.sinks])
    if (s.from.some((name) => owner(name) === node || after.has(owner(name)))) after.add(s.id)
  // What follows the node hears of it only by way of the node: its other inputs are cut off.
  const trim = <N extends { readonly id: string; readonly from: readonly string[] }>(n: N): N =>
    after.has(n.id) ? { ...n, from: n.from.filter((name) => owner(name) === node || after.has(owner(name))) } : n
  const has = (id: string) => id === node || before.has(id) || after.has(id)
  const steps = plan.steps.filter((s) => has(s.id)).map(({ pushedInto: _, ...s }) => trim(s as PlanStep))
  const sideIds = new Set(steps.flatMap((s) => Object.values(s.sideInputs)))
  const sources = plan.sources
    .filter((s) => has(s.id) || sideIds.has(s.id))
    .map(({ push: _, ...s }): PlanSource => ({ ...s, pushed: [], output: s.schema, onError: 'drop' }))
  const { deadLetter: _, ...kept } = plan
  return {
    plan: {
      ...kept,
      onError: 'drop',
      sources,
      steps: steps.map((s) => ({ ...s, onError: 'drop' as const })),
      sinks: plan.sinks.filter((s) => has(s.id)).map(trim),
    },
    before,
    after,
    steps,
    inputOf: [...plan.steps, ...plan.sinks].find((n) => n.id === node)?.input ?? { fields: {}, open: true },
  }
}

/** The parts of a replay's graph need not hang together: they are run as one component. */
function mergeOf(components: readonly Component[], plan: Plan): Component {
  const all = <T>(pick: (c: Component) => readonly T[]) => components.flatMap(pick)
  return {
    pipeline: plan.name,
    specHash: plan.specHash,
    sources: all((c) => c.sources),
    steps: plan.steps.map((s) => all((c) => c.steps).find((n) => n.id === s.id)!),
    sinks: all((c) => c.sinks),
    counters: { sources: {}, steps: {}, sinks: {} },
  }
}

/** A step on the way to where the letters stopped: its memory is neither read nor changed. */
function withoutMemory(node: StepNode): StepNode {
  const { restore: _r, cut: _c, advance: _a, ...rest } = node.transform
  return { ...node, transform: { ...rest, apply: node.transform.apply.bind(node.transform) } }
}

const gateOf = (node: string): string => `${node}\0only`
/** Results of a step have no record to decode: they enter right before the node. */
const directOf = (node: string): string => `${node}\0direct`

/** Lets in only the letters. */
function gate(node: string, from: readonly string[], only: ReadonlySet<string>): StepNode {
  const id = gateOf(node)
  const open: RecordType = { fields: {}, open: true }
  return {
    id,
    plan: {
      id,
      type: 'gate',
      package: '',
      config: {},
      from: [...from, directOf(node)],
      input: open,
      output: open,
      sides: {},
      sideInputs: {},
      onError: 'drop',
      stateful: false,
      multiplies: false,
      stateHash: '',
    },
    policy: 'drop',
    count: stepCounters(),
    transform: {
      apply(input) {
        const kept: number[] = []
        for (let i = 0; i < input.length; i++) if (only.has(input.id(i))) kept.push(i)
        return { rows: kept.map((i) => input.rows[i]!), origins: Int32Array.from(kept) }
      },
    },
  }
}

type Decode = (letter: Letter, bytes: Buffer) => Row

/** Original bytes by the source's decoder, rows that had none by their types. */
function decoderOf(node: PlanSource, plan: Plan, registry: Registry, around: Surroundings): Decode {
  const definition = registry.source(node.type)!
  const env = { ...envOf(plan, around, node.id), schema: node.schema, unknownFields: node.unknownFields }
  const decode = definition.decoder?.(resolveConfig(node.config, around.secrets), env)
  const row = rowDecoder(node.schema)
  return (letter, bytes) => {
    if (letter.form !== 'raw') return row(letter, bytes)
    if (!decode) throw new DataError('not_replayable', `source ${node.id} cannot decode single records again`)
    return decode(bytes, letter.context === null ? undefined : (JSON.parse(letter.context) as Json))
  }
}

function rowDecoder(type: RecordType): Decode {
  const convert = rowFromJson(type, 'keep')
  return (_letter, bytes) => {
    const row = convert(JSON.parse(bytes.toString()) as Record<string, unknown>)
    if (!Array.isArray(row)) return row as Row
    const first = row[0] as { code: string; message: string; field?: string }
    throw new DataError(first.code, first.message, first.field)
  }
}

/** A source that reads letters: each is decoded again and keeps its id. */
function letterSource(id: string, letters: readonly Letter[], decode: Decode): SourceNode {
  return {
    id,
    capabilities: { bounded: true, replayable: true, lanes: 'one' },
    policy: 'drop',
    pushed: [],
    count: sourceCounters(),
    source: {
      async *read() {
        for (let at = 0; at < letters.length; at += 1000) yield batchOf(letters.slice(at, at + 1000), decode)
      },
    },
  }
}

function batchOf(letters: readonly Letter[], decode: Decode): Batch {
  const rows: Row[] = []
  const good: { readonly id: string; readonly position: string; readonly bytes: Buffer }[] = []
  const bad: BadRecord[] = []
  for (const letter of letters) {
    const bytes = Buffer.from(letter.bytes, 'base64')
    try {
      rows.push(decode(letter, bytes))
      good.push({
        id: letter.path ? letter.id.slice(0, -letter.path.length) : letter.id,
        position: letter.position,
        bytes,
      })
    } catch (error) {
      if ((error as Error).name !== 'DataError') throw error
      bad.push({
        position: letter.position,
        bytes,
        code: (error as DataError).code,
        message: (error as Error).message,
        id: letter.id,
      })
    }
  }
  return {
    split: 'dead-letter',
    rows,
    bytes: rows.length * 100,
    positionAt: (i) => good[i]!.position,
    idAt: (i) => good[i]!.id,
    rawAt: (i) => good[i]!.bytes,
    caughtUp: true,
    ...(bad.length ? { bad } : {}),
  }
}
