/** Compares what a sink has taken with what a case expects: which records are missing, unexpected or changed. */
import type { Json } from '../record/index.ts'
import { printJson } from '../convert/index.ts'
import type { ExpectedOutput, ExpectedRecord } from './bind.ts'
import type { Plain } from './rows.ts'

/** One way in which an output differs from what is expected. */
export interface Difference {
  /** The sink, `dead_letter`, or `error`. */
  readonly sink: string
  readonly kind: 'missing' | 'unexpected' | 'changed' | 'moved'
  readonly expected?: Plain
  readonly got?: Plain
  /** Where in the test file, 1-based. */
  readonly line: number
  readonly col: number
}

/**
 * How two lists relate, in the order of the records that came out. `i` is an index of the expected records, `j` of
 * those that came.
 */
export type PairStep =
  | { readonly kind: 'same' | 'changed' | 'moved'; readonly i: number; readonly j: number }
  | { readonly kind: 'missing'; readonly i: number }
  | { readonly kind: 'unexpected'; readonly j: number }

/** Pairs expected records with those that came. `key`: fields that tell records apart, where order means nothing. */
export function pair(
  expected: readonly Plain[],
  got: readonly Plain[],
  how: { readonly isOrdered: boolean; readonly isPartial: boolean; readonly key?: readonly string[] },
): PairStep[] {
  const texts = how.isPartial
    ? undefined
    : [expected.map((each) => printJson(each)), got.map((each) => printJson(each))]
  const matches: Matches = texts ? (i, j) => texts[0]![i] === texts[1]![j] : (i, j) => isPartOf(expected[i]!, got[j]!)
  const isLong = expected.length * got.length > maxTable
  const same =
    how.isOrdered && !isLong
      ? inSequence(expected.length, got.length, matches)
      : anywhere(expected.length, got.length, matches)
  const openI = new Set(expected.keys())
  const openJ = new Set(got.keys())
  const steps: PairStep[] = []
  const join = (kind: 'same' | 'changed' | 'moved', i: number, j: number) => {
    openI.delete(i)
    openJ.delete(j)
    steps.push({ kind, i, j })
  }
  for (const [i, j] of same) join('same', i, j)
  for (const i of openI) {
    const j = firstOf(openJ, (each) => matches(i, each))
    if (j !== undefined) join('moved', i, j)
  }
  for (const i of openI) {
    // Requests and their answers belong together by their order.
    const isAnswer = how.isOrdered && how.isPartial
    const j = isAnswer ? [...openJ][0] : closestTo(expected[i]!, got, openJ, how.key)
    if (j !== undefined) join('changed', i, j)
  }
  for (const i of openI) steps.push({ kind: 'missing', i })
  for (const j of openJ) steps.push({ kind: 'unexpected', j })
  const place = (step: PairStep) => ('j' in step ? step.j : step.i - 0.5)
  return steps.toSorted((a, b) => place(a) - place(b))
}

/** The record that differs least from another, if at least half of its fields are equal. */
function closestTo(
  one: Plain,
  got: readonly Plain[],
  open: ReadonlySet<number>,
  key: readonly string[] | undefined,
): number | undefined {
  let best: number | undefined
  let most = 0
  for (const j of open) {
    const names = key ?? Object.keys({ ...one, ...got[j]! })
    const equal = names.filter((name) => printJson(one[name]) === printJson(got[j]![name])).length
    const share = key ? Number(equal === names.length) : equal / names.length
    if (share >= 0.5 && share > most) {
      most = share
      best = j
    }
  }
  return best
}

/** Whether an expected record and one that came, by their indexes, are the same. */
type Matches = (i: number, j: number) => boolean

/** Longer lists are compared without their order. */
const maxTable = 4_000_000

function firstOf(open: Iterable<number>, isWanted: (j: number) => boolean): number | undefined {
  for (const j of open) if (isWanted(j)) return j
  return undefined
}

/** Every field of the first is equal in the second; a message need only contain it. */
const isPartOf = (expected: Plain, got: Plain): boolean =>
  Object.entries(expected).every(([name, value]) => {
    const other = got[name] ?? null
    if (name === 'message' && typeof value === 'string') return String(other).includes(value)
    return isMap(value) && isMap(other) ? isPartOf(value, other) : printJson(value) === printJson(other)
  })

const isMap = (value: Json): value is Plain => typeof value === 'object' && value !== null && !Array.isArray(value)

/** The longest common sequence. */
function inSequence(expected: number, got: number, matches: Matches): [number, number][] {
  let start = 0
  const pairs: [number, number][] = []
  while (start < expected && start < got && matches(start, start)) pairs.push([start, start++])
  const n = expected - start
  const m = got - start
  const best = Array.from({ length: n + 1 }, () => new Int32Array(m + 1))
  const equal = (i: number, j: number) => matches(start + i, start + j)
  for (let i = n - 1; i >= 0; i--)
    for (let j = m - 1; j >= 0; j--)
      best[i]![j] = equal(i, j) ? best[i + 1]![j + 1]! + 1 : Math.max(best[i + 1]![j]!, best[i]![j + 1]!)
  for (let i = 0, j = 0; i < n && j < m; ) {
    if (equal(i, j)) pairs.push([start + i++, start + j++])
    else if (best[i + 1]![j]! >= best[i]![j + 1]!) i++
    else j++
  }
  return pairs
}

function anywhere(expected: number, got: number, matches: Matches): [number, number][] {
  const open = new Set(Array.from({ length: got }, (_, j) => j))
  return Array.from({ length: expected }, (_, i) => i).flatMap((i) => {
    const j = firstOf(open, (each) => matches(i, each))
    if (j === undefined) return []
    open.delete(j)
    return [[i, j] as [number, number]]
  })
}

/** The differences that the steps show. */
export function differencesOf(
  output: Pick<ExpectedOutput, 'sink' | 'line' | 'col'>,
  expected: readonly ExpectedRecord[],
  got: readonly Plain[],
  steps: readonly PairStep[],
): Difference[] {
  const { sink } = output
  return steps.flatMap((step): Difference[] => {
    if (step.kind === 'same') return []
    const one = 'i' in step ? expected[step.i]! : undefined
    const { line, col } = one ?? output
    return [
      {
        sink,
        kind: step.kind,
        line,
        col,
        ...(one ? { expected: one.plain } : {}),
        ...('j' in step ? { got: got[step.j]! } : {}),
      },
    ]
  })
}
