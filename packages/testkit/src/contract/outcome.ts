/** Compares the output of steps. */
import assert from 'node:assert/strict'
import type { Outcome } from './apply.ts'
import { sameRows, sameSet } from './rows.ts'

/** The same rows from the same input rows everywhere; results, which have no order, as a set. */
export function sameOutcome(actual: Outcome, expected: Outcome, what: string): void {
  sameRows(actual.out, expected.out, `${what}: output`)
  assert.deepEqual(
    Object.keys(actual.sideOutputs).sort(),
    Object.keys(expected.sideOutputs).sort(),
    `${what}: named outputs`,
  )
  for (const [name, rows] of Object.entries(expected.sideOutputs))
    sameRows(actual.sideOutputs[name]!, rows, `${what}: output ${name}`)
  sameRows(actual.failed, expected.failed, `${what}: failed rows`)
  sameSet(actual.results, expected.results, `${what}: results`)
}

/** The same if splits were read in a different order: by the indexes of the input rows. */
export function sameInAnyOrder(actual: Outcome, expected: Outcome, what: string): void {
  sameOutcome(byPlace(actual), byPlace(expected), what)
}

function byPlace(outcome: Outcome): Outcome {
  const sorted = <T extends { readonly from: number }>(all: readonly T[]): T[] =>
    all.toSorted((a, b) => a.from - b.from)
  const filled = Object.entries(outcome.sideOutputs).filter(([, rows]) => rows.length > 0)
  return {
    ...outcome,
    out: sorted(outcome.out),
    sideOutputs: Object.fromEntries(filled.map(([name, rows]) => [name, sorted(rows)])),
    failed: sorted(outcome.failed),
  }
}

/** The output of several steps, one after the other. */
export function joined(...all: readonly Outcome[]): Outcome {
  const sideOutputs: Outcome['sideOutputs'] = {}
  for (const each of all)
    for (const [name, rows] of Object.entries(each.sideOutputs))
      sideOutputs[name] = [...(sideOutputs[name] ?? []), ...rows]
  return {
    out: all.flatMap(({ out }) => out),
    sideOutputs,
    failed: all.flatMap(({ failed }) => failed),
    results: all.flatMap(({ results }) => results),
    wrong: all.flatMap(({ wrong }) => wrong),
    changed: all.flatMap(({ changed }) => changed),
  }
}
