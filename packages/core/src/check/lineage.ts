/**
 * Where the records at each point of the graph come from, and which of them may be the same record.
 *
 * A lineage is one path from a source (or from the step that made the result) to an output. It consists of the branches
 * taken where a record can take only one (of a `route`, or of inputs that ids name), the fields that still have the
 * value the source read, and the steps that made several records from one. Two inputs of a node can deliver the same
 * record if two of their lineages have the same root and do not contradict each other. The name of such an input
 * becomes part of the id.
 */
import type { CheckedSink, CheckedSource, CheckedStep, Flow, Lineage, Lineages, Placed } from './checked.ts'

export function lineagesOf(streams: readonly CheckedSource[], flow: Flow, sinks: readonly CheckedSink[]): Lineages {
  const outputs = new Map<string, readonly Lineage[]>()
  const named = new Map<string, readonly string[]>()
  // Records of two streams can be the same: an id may have travelled over both.
  const inherits = new Set(streams.flatMap((s) => (s.capabilities?.repeats?.id === 'same' ? [s.id] : [])))
  for (const source of streams) outputs.set(source.id, [rootLineage(source)])
  const of = (name: string) => outputs.get(name) ?? []

  /** The lineages that enter a node, with the choice that a named input adds. */
  const into = (node: string, from: readonly string[]): readonly Lineage[] => {
    const meets = (a: string, b: string) => of(a).some((x) => of(b).some((y) => canBeOne(x, y, inherits)))
    const names = from.filter((name) => from.some((other) => other !== name && meets(name, other)))
    if (names.length > 0) named.set(node, names)
    return from.flatMap((name) => of(name).map((l) => (names.includes(name) ? choosing(l, `${node}<`, name) : l)))
  }

  for (const placed of flow.steps) {
    const before = into(placed.step.id, placed.from).map((l) => ({ ...l, steps: [...l.steps, placed.step.id] }))
    for (const [output, lineages] of after(placed, before)) outputs.set(output, distinct(lineages))
  }
  for (const sink of sinks) into(sink.id, flow.sinks.get(sink.id)?.from ?? [])
  return { of, named }
}

function rootLineage({ id, schema }: CheckedSource): Lineage {
  const fields = Object.keys(schema?.fields ?? {})
  return {
    root: id,
    choices: new Map(),
    unchanged: new Map(fields.map((name) => [name, name])),
    multipliedBy: [],
    steps: [],
  }
}

/** The lineages of a step's outputs, by output. */
function after({ step, inference }: Placed, before: readonly Lineage[]): (readonly [string, readonly Lineage[]])[] {
  const { definition } = step
  const sideOutputs = Object.keys(inference?.sideOutputs ?? {})
  const passes = before.map((l) => through(l, inference?.unchanged))
  const plain = sideOutputs.length > 0 ? passes.map((l) => choosing(l, step.id, '')) : passes
  const own = multiplies(step) ? plain.map((l) => ({ ...l, multipliedBy: [...l.multipliedBy, step.id] })) : plain
  const results: Lineage[] = givesResults(step)
    ? [{ root: step.id, choices: new Map(), unchanged: new Map(), multipliedBy: [], steps: [step.id] }]
    : []
  const out = definition?.counts ? results : [...own, ...results]
  return [
    ...(inference?.output ? [[step.id, out] as const] : []),
    ...sideOutputs.map(
      (name) => [name, before.map((l) => choosing(through(l, inference?.unchanged), step.id, name))] as const,
    ),
  ]
}

const givesResults = ({ definition }: CheckedStep): boolean =>
  definition?.counts === true ||
  definition?.needsEnd !== undefined ||
  (definition?.stateful === true && !definition.keeps)

export function multiplies({ definition, options }: CheckedStep): boolean {
  const multiplies = definition?.multiplies
  return typeof multiplies === 'function'
    ? options !== undefined && multiplies(options as never)
    : (multiplies ?? false)
}

function through(lineage: Lineage, unchanged: Readonly<Record<string, string>> | undefined): Lineage {
  const fields = Object.entries(unchanged ?? {}).flatMap(([name, from]) => {
    const root = lineage.unchanged.get(from)
    return root === undefined ? [] : [[name, root] as const]
  })
  return { ...lineage, unchanged: new Map(fields) }
}

const choosing = (lineage: Lineage, node: string, way: string): Lineage => ({
  ...lineage,
  choices: new Map([...lineage.choices, [node, way]]),
})

/** Whether the same record can have come by both. */
function canBeOne(a: Lineage, b: Lineage, inherits: ReadonlySet<string>): boolean {
  if (a.root !== b.root) return inherits.has(a.root) && inherits.has(b.root)
  for (const [node, way] of a.choices) if (b.choices.has(node) && b.choices.get(node) !== way) return false
  return true
}

/** Many paths through diamonds have no relevant difference. */
function distinct(lineages: readonly Lineage[]): readonly Lineage[] {
  const sorted = (map: ReadonlyMap<string, string>) => [...map].toSorted(([x], [y]) => (x < y ? -1 : 1))
  const key = (l: Lineage) =>
    JSON.stringify([l.root, sorted(l.choices), sorted(l.unchanged), l.multipliedBy, l.steps.toSorted()])
  return [...new Map(lineages.map((l) => [key(l), l])).values()]
}

/** The same record, or pieces of it, have the same key: from these two inputs, or from one step that multiplies. */
export interface SameKey {
  readonly inputs: readonly string[]
  readonly root: string
  readonly multipliedBy?: string
}

/** Whether several records with the same `key` are certain to enter a sink that identifies records by these fields. */
export function sameKeyIn(from: readonly string[], key: readonly string[], lineages: Lineages): SameKey | undefined {
  const all = from.flatMap((name) => lineages.of(name).map((lineage) => ({ name, lineage })))
  const keyed = all.filter(({ lineage }) => key.every((field) => lineage.unchanged.has(field)))
  for (const [i, a] of keyed.entries()) {
    const multiplied = a.lineage.multipliedBy[0]
    if (multiplied !== undefined) return { inputs: [a.name], root: a.lineage.root, multipliedBy: multiplied }
    for (const b of keyed.slice(i + 1)) {
      const isSame = key.every((field) => a.lineage.unchanged.get(field) === b.lineage.unchanged.get(field))
      if (isSame && a.name !== b.name && canBeOne(a.lineage, b.lineage, new Set()))
        return { inputs: [a.name, b.name], root: a.lineage.root }
    }
  }
  return undefined
}
