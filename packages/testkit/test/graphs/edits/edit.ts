/** Random edits of a spec, by class. */
import {
  type Case,
  type SetValue,
  type Shape,
  type Sink,
  type Source,
  sourceShape,
  type Step,
  type Test,
} from '../case.ts'
import { type Random } from '../random.ts'
import { outputsOf } from '../shape.ts'

export const editClasses = [
  'description',
  'comment',
  'cap',
  'sink renamed',
  'step renamed',
  'source renamed',
  'expression changed',
  'sink moved',
  'sink added',
  'sink removed',
  'step added',
  'step removed',
  'schema changed',
] as const
export type EditClass = (typeof editClasses)[number]

export interface Edit {
  readonly class: EditClass
  /** What was edited: `where`, `sink: table`; empty for the spec as a whole. */
  readonly of: string
  readonly graph: Case
  /** The old id of a step or sink; undefined for a new one. */
  readonly before: (id: string) => string | undefined
}

/** A random edit of the class; undefined if the graph has nothing to edit. */
export function editOf(random: Random, graph: Case, which: EditClass): Edit | undefined {
  const same = (id: string) => id
  const edit = (of: string, changed: Partial<Case>, before: Edit['before'] = same): Edit => ({
    class: which,
    of,
    graph: { ...graph, ...changed },
    before,
  })
  const anyOf = <T>(from: readonly T[]): T | undefined => (from.length > 0 ? random.pick(from) : undefined)
  const changedStep = (step: Step, change: Step) => ({
    steps: graph.steps.map((each) => (each === step ? change : each)),
  })
  const changedSink = (sink: Sink, change: Sink) => ({
    sinks: graph.sinks.map((each) => (each === sink ? change : each)),
  })
  switch (which) {
    case 'description':
      return edit('', { description: 'The same in other words.' })
    case 'comment':
      return edit('', { comment: 'a comment' })
    case 'cap': {
      const step = anyOf(graph.steps.filter(({ verb }) => verb === 'aggregate'))
      if (step?.verb === 'aggregate' && random.chance(0.7))
        return edit('aggregate', changedStep(step, { ...step, cap: step.cap * 10 }))
      const sink = anyOf(graph.sinks.filter((each) => each.kind === 'files' && each.roll))
      return sink?.kind === 'files'
        ? edit('sink: files', changedSink(sink, { ...sink, roll: sink.roll! + 3 }))
        : undefined
    }
    case 'sink renamed': {
      const sink = random.pick(graph.sinks)
      const id = `${sink.id}_renamed`
      const before = (name: string) => (name === id ? sink.id : name)
      return edit(nameOf(sink), changedSink(sink, { ...sink, id, place: sink.id }), before)
    }
    case 'step renamed': {
      const step = anyOf(graph.steps)
      return step && edit(step.verb, renamed(graph, step.id, `${step.id}_renamed`), unrenamed)
    }
    case 'source renamed': {
      const source = random.pick(graph.sources)
      return edit(`source: ${source.kind}`, renamed(graph, source.id, `${source.id}_renamed`), unrenamed)
    }
    case 'expression changed': {
      const step = anyOf(graph.steps)
      const change = step && otherExpression(random, step)
      return change && edit(step.verb, changedStep(step, change))
    }
    case 'sink moved': {
      const sink = random.pick(graph.sinks)
      const before = (name: string) => (name === sink.id ? undefined : name)
      return edit(nameOf(sink), changedSink(sink, { ...sink, place: `${sink.id}_moved` }), before)
    }
    case 'sink added': {
      const sink = random.pick(graph.sinks)
      const added: Sink = {
        ...random.pick([{ kind: 'id' }, { kind: 'table' }] as const),
        id: 'added',
        from: sink.from,
        delays: [],
      }
      return edit(nameOf(added), { sinks: [...graph.sinks, added] }, (id) => (id === 'added' ? undefined : id))
    }
    case 'sink removed': {
      const sink = random.pick(graph.sinks)
      return graph.sinks.length < 2
        ? undefined
        : edit(nameOf(sink), { sinks: graph.sinks.filter((each) => each !== sink) })
    }
    case 'step added': {
      const sink = random.pick(graph.sinks)
      const verb = random.pick<
        Pick<Step & { verb: 'where' }, 'verb' | 'test'> | Pick<Step & { verb: 'set' }, 'verb' | 'field' | 'value'>
      >([
        { verb: 'where', test: { field: 'n', mod: 2, is: 0 } },
        { verb: 'set', field: 'q', value: { plus: 5 } },
      ])
      const step: Step = { id: 'added', from: sink.from, ...verb }
      const change = { steps: [...graph.steps, step], ...changedSink(sink, { ...sink, from: ['added'] }) }
      return edit(verb.verb, change, (id) => (id === 'added' ? undefined : id))
    }
    case 'step removed': {
      const step = anyOf(graph.steps.filter((each) => outputsOf(each).includes(each.id)))
      return step && edit(step.verb, removed(graph, step))
    }
    case 'schema changed': {
      const source = random.pick(graph.sources)
      // The columns of CSV files and of tables are fixed.
      if (source.kind === 'csv' || graph.sinks.some(({ kind }) => kind === 'table')) return undefined
      const fields: Shape = { ...(source.fields ?? sourceShape), x: { type: 'string', optional: true } }
      const change = (each: Source): Source => (each === source ? { ...each, fields } : each)
      return edit(`source: ${source.kind}`, { sources: graph.sources.map(change) })
    }
  }
}

const nameOf = (sink: Sink): string => `sink: ${sink.kind}`
const unrenamed = (id: string): string => id.replace(/_renamed$/, '')

/** The graph with another id of a source or step, wherever it is named. */
function renamed(graph: Case, from: string, to: string): Partial<Case> {
  const read = (names: readonly string[]) => names.map((name) => (name === from ? to : name))
  return {
    sources: graph.sources.map((source) =>
      source.id === from ? { ...source, id: to, place: source.place ?? from } : source,
    ),
    steps: graph.steps.map((step) => ({ ...step, id: step.id === from ? to : step.id, from: read(step.from) })),
    sinks: graph.sinks.map((sink) => ({ ...sink, from: read(sink.from) })),
  }
}

/** The graph without a step; its readers read its inputs. */
export function removed(graph: Case, step: Step): Partial<Case> {
  const read = (names: readonly string[]) => [
    ...new Set(names.flatMap((name) => (name === step.id ? step.from : [name]))),
  ]
  return {
    steps: graph.steps.filter((each) => each !== step).map((each) => ({ ...each, from: read(each.from) })),
    sinks: graph.sinks.map((sink) => ({ ...sink, from: read(sink.from) })),
  }
}

/** The step with another expression, so that its output differs. */
function otherExpression(random: Random, step: Step): Step | undefined {
  const test = (was: Test): Test =>
    'mod' in was ? { ...was, is: (was.is + 1) % was.mod } : { ...was, atLeast: was.atLeast + 2 }
  switch (step.verb) {
    case 'where':
      return { ...step, test: test(step.test) }
    case 'route': {
      const [first, ...rest] = step.branches as [(typeof step.branches)[number], ...typeof step.branches]
      return { ...step, branches: [{ ...first, test: test(first.test) }, ...rest] }
    }
    case 'set': {
      const { value } = step
      const other: SetValue | undefined =
        'constant' in value
          ? { constant: `${value.constant} too` }
          : 'plus' in value
            ? { plus: value.plus + 1 }
            : undefined
      return other && { ...step, value: other }
    }
    case 'parse_dates':
      return { ...step, to: step.to === 'yyyy-MM-dd' ? 'dd.MM.yyyy' : 'yyyy-MM-dd' }
    case 'call':
      return step.name === 'twice' ? undefined : { ...step, name: step.name === 'shout' ? 'odd' : 'shout' }
    case 'dedupe':
      return step.by.includes('n') || step.nulls ? undefined : { ...step, by: [...step.by, 'n'] }
    case 'aggregate': {
      const [name, total] =
        Object.entries(step.outputs).find(([, each]) => each === 'max(n)' || each === 'min(n)') ?? []
      if (!name) return undefined
      return { ...step, outputs: { ...step.outputs, [name]: total === 'max(n)' ? 'min(n)' : 'max(n)' } }
    }
    default:
      return undefined
  }
}
