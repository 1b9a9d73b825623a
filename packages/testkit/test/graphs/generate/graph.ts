/**
 * Graphs built around the shapes that are hard to get right (diamonds, results merged with records, routes merged
 * again, a branch that fails alongside one that does not), with random steps added.
 */
import { type Shape, sourceShape, type Sink, type SinkKind, type Source, type Step } from '../case.ts'
import type { Random } from '../random.ts'
import { sameShape } from '../shape.ts'
import type { BadRates } from './data.ts'
import { Draft, type Output, updatesOf } from './draft.ts'
import { anyVerb, fallibleVerb, route, sameShapeVerb } from './verbs.ts'
import { windows } from './windows.ts'

export interface GraphOptions {
  readonly whole: boolean
  /** Decides which steps can fail. */
  readonly bad: BadRates
  /** Bad records may stop the run. */
  readonly stops: boolean
  /** Sources tell the time of their records. */
  readonly timed: boolean
}

/** A graph over these sources; undefined if it would need more than three sinks. */
export function makeGraph(
  random: Random,
  sources: readonly Source[],
  options: GraphOptions,
): { readonly steps: readonly Step[]; readonly sinks: readonly Sink[] } | undefined {
  const draft = new Draft(random, sources, sourceShape, options.whole, random.int(options.timed ? 2 : 0, 6))
  /** Outputs to be merged by one sink. */
  const together: Output[][] = []
  const any = () => random.pick([...draft.outputs.values()])
  if (random.chance(0.4)) diamond(draft, any(), together)
  if (options.whole && random.chance(0.45)) totals(draft, any(), together)
  if (random.chance(0.2)) branches(draft, any(), together)
  if (random.chance(0.65)) failingBranch(draft, any(), options.bad)
  if (options.timed && random.chance(0.95)) inWindows(draft, any)
  for (let tries = 0; draft.left > 0 && tries < 12 && random.chance(0.85); tries++) grow(draft)
  const sinks = makeSinks(draft, together, options)
  return sinks && { steps: draft.steps, sinks }
}

/** Two branches of one output, merged again. */
function diamond(draft: Draft, from: Output, together: Output[][]): void {
  const { random } = draft
  const branch = () => {
    const verb = sameShapeVerb(random, from.shape)
    return verb && draft.step(verb, [from])?.[0]
  }
  const a = branch()
  const b = random.chance(0.3) ? from : branch()
  if (!a || !b || !sameShape(a.shape, b.shape)) return
  const both = [b, a]
  const verb = random.chance(0.35) ? sameShapeVerb(random, a.shape) : undefined
  if (!verb || !draft.step(verb, both)) together.push(both)
}

/** Results of an aggregation merged with records, of the same source or of another. */
function totals(draft: Draft, from: Output, together: Output[][]): void {
  const { random } = draft
  const by = random.pick([['k'], ['b'], ['k']].filter((names) => names.every((name) => from.shape[name])).concat([[]]))
  const total = draft.step(
    { verb: 'aggregate', by, outputs: { u: 'max(u)', n: 'max(n)', q: 'sum(q)' }, cap: random.pick([1000, 5000]) },
    [from],
  )?.[0]
  if (!total) return
  const beside = random.chance(0.5) ? from : random.pick([...draft.outputs.values()].filter((each) => each !== total))
  const names = [...by, 'u', 'n', 'q']
  if (!names.every((name) => beside.shape[name])) return
  const records = draft.step({ verb: 'select', fields: names.map((name) => [name, name] as const) }, [beside])?.[0]
  if (records && sameShape(records.shape, total.shape)) together.push([records, total])
}

/** A route whose branches are merged again. */
function branches(draft: Draft, from: Output, together: Output[][]): void {
  const { random } = draft
  const outputs = draft.step(route(random), [from])
  if (!outputs || outputs.length < 2) return
  const verb = sameShapeVerb(random, from.shape)
  const first = (random.chance(0.5) && verb && draft.step(verb, [outputs[0]!])?.[0]) || outputs[0]!
  const meeting = [first, ...outputs.slice(1)]
  if (random.chance(0.7) && meeting.every(({ shape }) => sameShape(shape, first.shape))) together.push(meeting)
}

/** Windows, often behind a step or over several outputs, and sometimes over the late records of others. */
function inWindows(draft: Draft, any: () => Output): void {
  const { random } = draft
  for (let tries = 0; tries < 6; tries++) {
    const from = any()
    const before = random.chance(0.4) ? sameShapeVerb(random, from.shape) : undefined
    const read = (before && draft.left > 1 && !from.updates && draft.step(before, [from])?.[0]) || from
    const mergeable = draft.mergeable(read)
    const reads = mergeable.length > 0 && random.chance(0.4) ? [read, random.pick(mergeable)] : [read]
    const made = draft.step(windows(random, read.shape, `late_${draft.steps.length + 1}`), reads)
    if (made && random.chance(0.85)) return
  }
}

/** A branch in which the bad records fail, while another reader takes them. */
function failingBranch(draft: Draft, from: Output, bad: BadRates): void {
  const verb = fallibleVerb(draft.random, from.shape, bad)
  if (verb && draft.step(verb, [from])) draft.unread.add(from.name)
}

/** Adds a random step, mostly after an unread output and sometimes after two merged ones. */
function grow(draft: Draft): void {
  const { random } = draft
  const unread = [...draft.unread].map((name) => draft.outputs.get(name)!)
  const from = random.pick(unread.length > 0 && random.chance(0.75) ? unread : [...draft.outputs.values()])
  const mergeable = draft.mergeable(from)
  const reads = mergeable.length > 0 && random.chance(0.3) ? [from, random.pick(mergeable)] : [from]
  const verb = anyVerb(random, from.shape, draft.whole)
  if (!verb || (verb.verb === 'split' && (draft.left < 2 || from.shape['item']))) return
  const made = draft.step(verb, reads)
  if (!made || verb.verb !== 'split') return
  // Nothing else reads the list itself.
  draft.step({ verb: 'explode' }, made)
  draft.outputs.delete(made[0]!.name)
}

function makeSinks(draft: Draft, together: readonly Output[][], options: GraphOptions): Sink[] | undefined {
  const { random } = draft
  const groups = together.map((group) => [...group])
  for (const name of draft.unread) {
    if (groups.some((group) => group.some((each) => each.name === name))) continue
    const output = draft.outputs.get(name)!
    const fitting = groups.find((group) => sameShape(group[0]!.shape, output.shape))
    if (fitting && random.chance(0.6)) fitting.push(output)
    else groups.push([output])
  }
  while (groups.length < 3 && random.chance(0.3)) groups.push([random.pick([...draft.outputs.values()])])
  if (groups.length === 0 || groups.length > 3) return undefined
  return groups.map((group, i) => {
    const mergeable = draft.mergeable(group[0]!).filter((each) => !group.includes(each))
    if (mergeable.length > 0 && random.chance(0.15)) group.push(random.pick(mergeable))
    const kind = makeKind(random, group, options)
    const from = [...new Set(group.map(({ name }) => name))]
    return { ...kind, id: `${kind.kind}_${i + 1}`, from, delays: random.pick([[], [], [1, 0, 3], [4, 0]]) }
  })
}

function makeKind(random: Random, group: readonly Output[], { whole, stops }: GraphOptions): SinkKind {
  const shape = group[0]!.shape
  const updates = updatesOf(group)
  if (updates) return updatable(random, shape, updates)
  const keys = [['k'], ['k'], ['key'], ['q'], ['k', 'q'], ['u'], ['n'], ['window_start'], ['k', 'window_start']].filter(
    (key) => key.every((name) => shape[name]),
  )
  const isAmbiguous = group.some(({ ambiguous }) => ambiguous)
  return random.weighted<() => SinkKind>([
    [4, () => ({ kind: 'id' })],
    [
      isAmbiguous || keys.length === 0 ? 0 : 3,
      () => {
        const key = random.pick(keys)
        const canSet = shape['u'] && !key.includes('u')
        const write = random.weighted([
          [4, 'upsert' as const],
          [stops ? 0 : 1, 'insert' as const],
          [canSet ? 1 : 0, 'set' as const],
        ])
        return { kind: 'key', key, write }
      },
    ],
    [3, () => ({ kind: 'table' })],
    [
      3,
      () => ({
        kind: 'files',
        format: 'jsonl',
        ...(whole && random.chance(0.3) ? {} : { roll: random.int(5, 60) }),
      }),
    ],
    [2, () => ({ kind: 'files', format: random.pick(['json', 'parquet'] as const), roll: random.int(5, 80) })],
    [
      2,
      () => ({
        kind: 'log',
        partitions: random.int(1, 3),
        ...(shape['k'] && random.chance(0.6) ? { key: 'k' } : {}),
      }),
    ],
  ])()
}

/** A sink in which each result replaces the one before it. `updates`: the fields of which its key may be made. */
function updatable(random: Random, shape: Shape, updates: readonly string[]): SinkKind {
  const fields = updates.filter((name) => shape[name] && !shape[name].optional)
  if (fields.length === 0 || random.chance(0.5)) return { kind: 'id' }
  const key = random.chance(0.6) ? fields : [random.pick(fields)]
  return { kind: 'key', key, write: 'upsert' }
}
