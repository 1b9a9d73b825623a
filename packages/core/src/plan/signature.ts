/**
 * The signature of a run: everything that determines its results. That is sources, steps, edges and sinks with their
 * configuration, without options that only affect performance (`OptionSchema.tuning`), descriptions, or pushdown. It is
 * saved with the state, so that a resumed run can compare it with the current spec.
 */
import { hash } from 'node:crypto'
import type { OptionSchema } from '../connector/options.ts'
import type { Plan, PlanNode, PlanStep } from './plan.ts'
import type { Json } from '../record/index.ts'
import type { Registry } from '../registry/index.ts'

type SignedNode = { readonly [key: string]: Json }

/** Nodes by id; all of it plain JSON. */
export interface Signature {
  readonly runs: 'whole' | 'continue'
  readonly sources: Readonly<Record<string, SignedNode>>
  readonly steps: Readonly<Record<string, SignedNode>>
  readonly sinks: Readonly<Record<string, SignedNode>>
  readonly deadLetter?: SignedNode
  /** Nodes that were removed by edits since the run began. */
  readonly gone?: Gone
  /** By sink that was renamed since the run began: its id before. */
  readonly formerly?: Readonly<Record<string, string>>
}

/**
 * By removed node: what it read (`named`: the inputs that ids name), and which nodes take over the letters that stopped
 * at it.
 */
export type Gone = Readonly<
  Record<string, { readonly from: readonly string[]; readonly named: readonly string[]; readonly heirs: Heirs }>
>

/** By node: its other inputs. Through these it has already received the record. */
type Heirs = Readonly<Record<string, readonly string[]>>

/** What a signature says of the plan, without what a state remembers beside it. */
export function planned({ gone: _, formerly: __, ...signature }: Signature): Signature {
  return signature
}

type Decisive = Omit<Plan, 'specHash'>

export function signatureOf(plan: Decisive, registry: Registry): Signature {
  const node = ({ type, config }: PlanNode, options: OptionSchema | undefined) => ({
    type,
    config: decisive(config, options),
  })
  const facts = (value: object): SignedNode => JSON.parse(JSON.stringify(value)) as SignedNode
  return {
    runs: plan.runs,
    sources: byId(plan.sources, (source) => {
      const { schema, unknownFields, side, onError, answer, eventTime } = source
      const own = node(source, registry.source(source.type)?.options)
      return facts({ ...own, schema, unknownFields, side, onError, answer, eventTime })
    }),
    steps: byId(plan.steps, (step) => {
      const { from, namedFrom, onError, stateHash, stateful, counts, sideInputs } = step
      const own = node(step, registry.step(step.type)?.options)
      const memory = stateful ? { stateHash, counts } : {}
      return facts({ ...own, from, namedFrom, onError, sideInputs, namesIds: namesIds(step, plan), ...memory })
    }),
    sinks: byId(plan.sinks, (sink) => {
      const { from, namedFrom } = sink
      return facts({ ...node(sink, registry.sink(sink.type)?.options), from, namedFrom })
    }),
    ...(plan.deadLetter
      ? { deadLetter: facts(node(plan.deadLetter, registry.sink(plan.deadLetter.type)?.options)) }
      : {}),
  }
}

/**
 * The nodes that are gone after an edit, together with those removed earlier. The heir of a renamed sink is the sink
 * itself.
 */
export function goneAfter(before: Signature, now: Signature, renames: readonly (readonly [string, string])[]): Gone {
  const namesIn = (facts: SignedNode, key: 'from' | 'namedFrom') => (facts[key] ?? []) as readonly string[]
  const fromOf = (facts: SignedNode) => namesIn(facts, 'from')
  const readersOf = (id: string): Heirs =>
    Object.fromEntries(
      Object.entries({ ...before.steps, ...before.sinks }).flatMap(([reader, facts]) =>
        fromOf(facts).includes(id) ? [[reader, fromOf(facts).filter((other) => other !== id)]] : [],
      ),
    )
  const gone: Record<string, Gone[string]> = { ...before.gone }
  for (const [id, facts] of Object.entries({ ...before.sources, ...before.steps, ...before.sinks })) {
    if (id in now.sources || id in now.steps || id in now.sinks) continue
    const renamed = renames.find(([from]) => from === id)
    const heirs = renamed ? { [renamed[1]]: [] } : readersOf(id)
    gone[id] = { from: fromOf(facts), named: namesIn(facts, 'namedFrom'), heirs }
  }
  return gone
}

/** Where letters of a node go: to the node, or to the heirs of a removed one. */
export function heirsOf(node: string, gone: Gone, has: (node: string) => boolean): Heirs {
  if (has(node)) return { [node]: [] }
  const heirs = Object.entries(gone[node]?.heirs ?? {})
  return Object.assign(
    {},
    ...heirs.map(([heir, besides]) => (has(heir) ? { [heir]: besides } : heirsOf(heir, gone, has))),
  ) as Heirs
}

/**
 * Whether a step's name is part of ids: it makes several records from one, makes new records, or separates branches.
 */
const namesIds = ({ id, multiplies, counts }: PlanStep, { steps, sinks }: Decisive): boolean =>
  multiplies || counts || [...steps, ...sinks].some(({ namedFrom }) => namedFrom.includes(id))

const byId = <N extends { readonly id: string }>(nodes: readonly N[], facts: (node: N) => SignedNode) =>
  Object.fromEntries(nodes.map((node) => [node.id, facts(node)]))

/** A config without its tuning options. It is saved: of a secret that stands in the spec, only its hash. */
function decisive(config: Json, options: OptionSchema | undefined): Json {
  if (typeof config === 'string') return options?.format === 'url' ? withoutCredentials(config) : config
  if (typeof config !== 'object' || config === null) return config
  if (Array.isArray(config)) return config.map((item: Json) => decisive(item, options?.items))
  if ('$secrets' in config && Array.isArray(config['$secrets']))
    return { $secrets: config['$secrets'].map((part: Json) => (typeof part === 'string' ? hashOf(part) : part)) }
  const others = typeof options?.additionalProperties === 'object' ? options.additionalProperties : undefined
  return Object.fromEntries(
    Object.entries(config).flatMap(([key, value]) => {
      const option = options?.properties?.[key] ?? others
      return option?.tuning ? [] : [[key, decisive(value as Json, option)]]
    }),
  )
}

function withoutCredentials(address: string): string {
  const url = new URL(address)
  if (!url.username && !url.password) return address
  url.username = ''
  url.password = ''
  return url.href
}

/** The first 16 hex digits of the SHA-256 of a value as canonical JSON: keys sorted, no spaces. */
export function hashOf(value: unknown): string {
  return hash('sha256', canonical(value)).slice(0, 16)
}

/** JSON with sorted keys and without spaces: equal values give equal text. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const entries = Object.entries(value).filter(([, each]) => each !== undefined)
  entries.sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([key, each]) => `${JSON.stringify(key)}:${canonical(each)}`).join(',')}}`
}
