/** Compares all sinks with the prediction together, since a choice is the same for all of them. */
import type { Expected, Range } from './expected.ts'
import { type Fault, firstFew } from './verdict.ts'

/** A sink, or the dead letter. `allowed`: how often contents may occur beyond what is expected. */
export interface Compared {
  readonly at: string
  readonly found: ReadonlyMap<string, number>
  readonly expected: Expected
  readonly allowed: ReadonlyMap<string, number>
}

/** `groups`: the options of every choice, including those that reach no sink. */
export function compare(all: readonly Compared[], groups: ReadonlyMap<string, ReadonlySet<string>>): Fault[] {
  const faults: Fault[] = []
  const chosen = new Map<string, string>()
  for (const [group, options] of groups) {
    const fitting = [...options].find((option) => all.every((each) => fits(each, group, option)))
    if (fitting !== undefined) chosen.set(group, fitting)
    else {
      const text = all.flatMap(({ at, found, expected }) => {
        const contents = [...(expected.choices.get(group)?.values() ?? [])].flatMap((option) => [...option.keys()])
        return [...new Set(contents)].filter((content) => found.has(content)).map((content) => `${at} has ${content}`)
      })
      const at = all.find(({ expected }) => expected.choices.has(group))?.at ?? ''
      faults.push({
        kind: 'choice',
        at,
        text: `of ${options.size} records of ${group} one passes, but: ${firstFew(text) || 'none is there'}`,
      })
    }
  }
  for (const each of all) faults.push(...difference(each, chosen))
  return faults
}

const none: Range = { least: 0, most: 0 }

/** Whether a sink is as it must be if this option of the group has passed. */
function fits({ found, expected, allowed }: Compared, group: string, option: string): boolean {
  const options = expected.choices.get(group)
  if (!options) return true
  const contents = new Set([...options.values()].flatMap((of) => [...of.keys()]))
  return [...contents].every((content) => {
    const { least, most } = options.get(option)?.get(content) ?? none
    const certain = expected.certain.get(content) ?? none
    const n = found.get(content) ?? 0
    return n >= least + certain.least && n <= most + certain.most + (allowed.get(content) ?? 0)
  })
}

function difference({ at, found, expected, allowed }: Compared, chosen: ReadonlyMap<string, string>): Fault[] {
  const ranges = new Map([...expected.certain].map(([content, range]) => [content, { ...range }]))
  /** Contents of groups that no option fits, which were reported already. */
  const reported = new Set<string>()
  for (const [group, options] of expected.choices) {
    const option = chosen.get(group)
    if (option === undefined) for (const of of options.values()) for (const content of of.keys()) reported.add(content)
    else
      for (const [content, { least, most }] of options.get(option) ?? []) {
        const sum = ranges.get(content) ?? { least: 0, most: 0 }
        ranges.set(content, { least: sum.least + least, most: sum.most + most })
      }
  }
  const lost: string[] = []
  const doubled: string[] = []
  const beyond: string[] = []
  for (const content of new Set([...ranges.keys(), ...found.keys()])) {
    if (reported.has(content)) continue
    const { least, most } = ranges.get(content) ?? none
    const n = found.get(content) ?? 0
    const limit = most + (allowed.get(content) ?? 0)
    if (n < least) lost.push(`${content} (${n} of ${least})`)
    if (n > limit) (limit === 0 ? beyond : doubled).push(`${content} (${n} instead of ${limit})`)
  }
  const faults: Fault[] = []
  if (lost.length > 0) faults.push({ kind: 'lost', at, text: firstFew(lost) })
  if (doubled.length > 0) faults.push({ kind: 'doubled', at, text: firstFew(doubled) })
  if (beyond.length > 0) faults.push({ kind: 'unexpected', at, text: firstFew(beyond) })
  return faults
}
