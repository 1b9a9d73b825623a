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
  for (const linked of linkedGroups(all, groups)) {
    const found = choose(all, groups, linked)
    if (found) for (const [group, option] of found) chosen.set(group, option)
    else for (const group of linked) faults.push(noneFits(all, group, groups.get(group)!.size))
  }
  for (const each of all) faults.push(...difference(each, chosen))
  return faults
}

function noneFits(all: readonly Compared[], group: string, options: number): Fault {
  const text = all.flatMap(({ at, found, expected }) =>
    contentsOf(expected, group)
      .filter((content) => found.has(content))
      .map((content) => `${at} has ${content}`),
  )
  return {
    kind: 'choice',
    at: all.find(({ expected }) => expected.choices.has(group))?.at ?? '',
    text: `of ${options} records of ${group} one passes, but: ${firstFew(text) || 'none is there'}`,
  }
}

const contentsOf = ({ choices }: Expected, group: string): string[] => [
  ...new Set([...(choices.get(group)?.values() ?? [])].flatMap((option) => [...option.keys()])),
]

/** Groups whose options lead to the same contents are decided together: a content does not say whose it is. */
function linkedGroups(all: readonly Compared[], groups: ReadonlyMap<string, ReadonlySet<string>>): string[][] {
  const linked = new Map([...groups.keys()].map((group) => [group, [group]]))
  for (const { expected } of all) {
    const owner = new Map<string, string>()
    for (const group of expected.choices.keys())
      for (const content of contentsOf(expected, group)) {
        const [one, other] = [linked.get(owner.get(content) ?? group)!, linked.get(group)!]
        owner.set(content, group)
        if (one === other) continue
        one.push(...other)
        for (const each of other) linked.set(each, one)
      }
  }
  return [...new Set(linked.values())]
}

const none: Range = { least: 0, most: 0 }
const mostSteps = 200_000

/** An option for each group with which every sink is as it must be; undefined: there is none. */
function choose(
  all: readonly Compared[],
  groups: ReadonlyMap<string, ReadonlySet<string>>,
  linked: readonly string[],
): ReadonlyMap<string, string> | undefined {
  const chosen = new Map<string, string>()
  let steps = 0
  /** Whether the contents of a group can still come out right, whatever is chosen for the groups that are open. */
  const isPossible = (group: string): boolean =>
    all.every(({ found, expected, allowed }) =>
      contentsOf(expected, group).every((content) => {
        const n = found.get(content) ?? 0
        let { least, most } = expected.certain.get(content) ?? none
        for (const each of linked) {
          const options = expected.choices.get(each)
          if (!options) continue
          const option = chosen.get(each)
          const ranges =
            option === undefined
              ? [...groups.get(each)!].map((one) => options.get(one)?.get(content) ?? none)
              : [options.get(option)?.get(content) ?? none]
          least += Math.min(...ranges.map((range) => range.least))
          most += Math.max(...ranges.map((range) => range.most))
        }
        return n >= least && n <= most + (allowed.get(content) ?? 0)
      }),
    )
  const decide = (k: number): boolean => {
    const group = linked[k]
    if (group === undefined) return true
    for (const option of groups.get(group)!) {
      if (++steps > mostSteps) return false
      chosen.set(group, option)
      if (isPossible(group) && decide(k + 1)) return true
      chosen.delete(group)
    }
    return false
  }
  return decide(0) ? chosen : undefined
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
