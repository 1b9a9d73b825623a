/** A graph under construction: its steps so far, and what is known about each output. */
import { canUpdate, isWindowStep, type Shape, type Source, type Step, type Verb } from '../case.ts'
import { outputOf, outputsOf, sameShape, shapeOf, windowFields } from '../shape.ts'
import type { Random } from '../random.ts'

/** An output that steps and sinks can read. */
export interface Output {
  readonly name: string
  readonly shape: Shape
  /** The paths by which records get here: `source>step>step`. */
  readonly ways: readonly string[]
  /** It carries results of an aggregation. */
  readonly results: boolean
  /** Which records pass depends on the order across splits; see `dedupe` in model/steps.ts. */
  readonly ambiguous: boolean
  /** It carries results that can be emitted again: the fields that identify them. */
  readonly updates?: readonly string[] | undefined
}

/** Whether a step gives exactly one record for one, and never fails: only such a step may follow updates. */
const isOneForOne = (verb: Verb): boolean =>
  verb.verb === 'select' ||
  verb.verb === 'drop' ||
  verb.verb === 'join' ||
  (verb.verb === 'set' && !('ratio' in verb.value) && !('whole' in verb.value))

/** The fields that identify the records of all these outputs; undefined if none of them is emitted again. */
export function updatesOf(outputs: readonly Output[]): readonly string[] | undefined {
  const all = outputs.flatMap(({ updates }) => (updates ? [updates] : []))
  return all.length === 0 ? undefined : all[0]!.filter((name) => all.every((names) => names.includes(name)))
}

export class Draft {
  readonly random: Random
  readonly sources: readonly Source[]
  readonly whole: boolean
  readonly steps: Step[] = []
  readonly outputs = new Map<string, Output>()
  readonly unread = new Set<string>()
  left: number

  constructor(random: Random, sources: readonly Source[], shape: Shape, whole: boolean, budget: number) {
    this.random = random
    this.sources = sources
    this.whole = whole
    this.left = budget
    for (const { id } of sources) this.add({ name: id, shape, ways: [id], results: false, ambiguous: false })
  }

  private add(output: Output): Output {
    this.outputs.set(output.name, output)
    this.unread.add(output.name)
    return output
  }

  /** The number of splits that reach an output, counted once per path; results count as one more. */
  lanes(output: Output): number {
    const splits = (way: string) => this.sources.find(({ id }) => id === way.split('>')[0])?.splits.length ?? 1
    return output.ways.reduce((sum, way) => sum + splits(way), output.results ? 1 : 0)
  }

  /** Other outputs of the same type. */
  mergeable(output: Output): Output[] {
    return [...this.outputs.values()].filter((each) => each !== output && sameShape(each.shape, output.shape))
  }

  /** Whether records of these outputs can be put into windows whose results the model can predict. */
  private canHaveWindows(from: readonly Output[]): boolean {
    if (from.some(({ results }) => results)) return false
    const ids = new Set(from.flatMap(({ ways }) => ways.map((way) => way.split('>')[0])))
    const read = this.sources.filter(({ id }) => ids.has(id))
    if (!read.every(({ eventTime }) => eventTime)) return false
    // Files that were read to their end hold nothing back, so what they have later can find windows closed.
    const mayBeShutOut = ({ kind, splits }: Source) =>
      kind !== 'log' && splits.some(({ records }) => records.some(({ round }) => round === 1))
    return this.whole || read.length === 1 || !read.some(mayBeShutOut)
  }

  /** Adds a step and returns its outputs; undefined if its input does not fit or the budget is used up. */
  step(verb: Verb, from: readonly Output[], id = `${verb.verb}_${this.steps.length + 1}`): Output[] | undefined {
    const [first] = from as readonly [Output, ...Output[]]
    const shape = outputOf(verb, first.shape)
    if (!shape || this.left === 0) return undefined
    const ambiguous = from.some((each) => each.ambiguous)
    if (ambiguous && (verb.verb === 'aggregate' || verb.verb === 'dedupe')) return undefined
    const step: Step = { id, from: from.map(({ name }) => name), ...verb }
    if (isWindowStep(step) && !this.canHaveWindows(from)) return undefined
    const updates = updatesOf(from)
    if (updates && !isOneForOne(verb)) return undefined
    this.left--
    this.steps.push(step)
    for (const { name } of from) this.unread.delete(name)
    const lanes = from.reduce((sum, each) => sum + this.lanes(each), 0)
    return outputsOf(step).map((output) => {
      const isResult = verb.verb === 'aggregate' && output === id
      return this.add({
        name: output,
        shape: shapeOf(step, output, first.shape, shape),
        ways: isResult
          ? []
          : from.flatMap(({ ways }) => ways.map((way) => `${way}>${output === id ? id : `${id}.${output}`}`)),
        results: isResult || from.some((each) => each.results),
        ambiguous: ambiguous || (verb.verb === 'dedupe' && (lanes > 1 || from.some((each) => each.results))),
        updates: isResult && canUpdate(step) ? [...verb.by, ...(verb.window ? windowFields : [])] : updates,
      })
    })
  }
}
