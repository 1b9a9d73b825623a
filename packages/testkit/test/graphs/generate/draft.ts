/** A graph under construction: its steps so far, and what is known about each output. */
import type { Shape, Source, Step, Verb } from '../case.ts'
import { outputOf, outputsOf, sameShape } from '../shape.ts'
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

  /** Adds a step and returns its outputs; undefined if its input does not fit or the budget is used up. */
  step(verb: Verb, from: readonly Output[], id = `${verb.verb}_${this.steps.length + 1}`): Output[] | undefined {
    const [first] = from as readonly [Output, ...Output[]]
    const shape = outputOf(verb, first.shape)
    if (!shape || this.left === 0) return undefined
    const ambiguous = from.some((each) => each.ambiguous)
    if (ambiguous && (verb.verb === 'aggregate' || verb.verb === 'dedupe')) return undefined
    this.left--
    const step: Step = { id, from: from.map(({ name }) => name), ...verb }
    this.steps.push(step)
    for (const { name } of from) this.unread.delete(name)
    const lanes = from.reduce((sum, each) => sum + this.lanes(each), 0)
    return outputsOf(step).map((name) =>
      this.add({
        name,
        shape,
        ways:
          verb.verb === 'aggregate'
            ? []
            : from.flatMap(({ ways }) => ways.map((way) => `${way}>${name === id ? id : `${id}.${name}`}`)),
        results: verb.verb === 'aggregate' || from.some((each) => each.results),
        ambiguous: ambiguous || (verb.verb === 'dedupe' && lanes > 1),
      }),
    )
  }
}
