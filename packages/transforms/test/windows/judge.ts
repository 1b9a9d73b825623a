/** Compares what a run left with what the model says. */
import type { Row } from '@millrace/core'
import { expect } from 'vitest'
import type { WindowCase } from './cases.ts'
import type { Said } from './lanes.ts'
import { type Expected, model, type Played, played } from './model.ts'
import type { Found } from './run.ts'

const byKey = (rows: Iterable<Row>) =>
  new Map([...rows].map((row) => [`${String(row['g'])} ${String(row['window_start'])}`, row]))
const sorted = (map: ReadonlyMap<string, unknown>) =>
  Object.fromEntries([...map].toSorted(([a], [b]) => (a < b ? -1 : 1)))
const idsOf = (rows: readonly Row[]) => rows.map(({ id }) => String(id)).sort()

export function judge(each: WindowCase, found: Found): void {
  const about = JSON.stringify({ ...each, lanes: undefined, script: undefined, kill: found.lives.length })
  judgeOrder(each, found, about)
  const expected = expectedOf(each, found)
  expect(sorted(byKey(found.documents.values())), about).toEqual(sorted(expected.results))
  // In the order of emission, the last result of a key is the final one.
  expect(sorted(byKey(found.published)), about).toEqual(sorted(expected.results))
  expect(idsOf(found.late), about).toEqual(expected.late)
  expect([...found.ahead].sort(), about).toEqual(expected.ahead)
  const allowed = each.window.allowed_lateness ?? 0
  if (each.emit === 'on_close' || each.window.session !== undefined || (allowed === 0 && each.emit !== 'on_change'))
    expect(found.published.length, `${about}: each result once`).toBe(expected.results.size)
}

/**
 * Where lanes can be idle, what a killed process was told counts up to some point, and from there on what the next one
 * was told. Where that point was, only the engine knows: the results must be those of one of them.
 */
function expectedOf(each: WindowCase, found: Found): Expected {
  if (each.idleAfter === undefined) return model(each)
  const [first, second] = found.lives as [Found['lives'][number], Found['lives'][number] | undefined]
  if (!second) return played(each, first.said)
  const late = idsOf(found.late).join()
  let expected: Expected | undefined
  const story = played(each, first.said)
  const written = lastWritten(each, found, story)
  const parts = story.decided.filter((part) => part >= written)
  for (const history of histories(first.said, second.said, second.from, written < 0 ? [-1, ...parts] : parts)) {
    const possible = played(each, history)
    if (possible.late.join() !== late) {
      expected ??= possible
      continue
    }
    expected = possible
    const documents = JSON.stringify(sorted(byKey(found.documents.values())))
    if (documents === JSON.stringify(sorted(possible.results))) break
  }
  if (!expected) throw new Error(`${JSON.stringify(lives(found))}: no part of the story can have been kept`)
  return expected
}

const lives = ({ lives }: Found) => lives.map(({ said }) => said.length)

/** The last part of its story of which the first process wrote something: that part was kept. */
function lastWritten(each: WindowCase, { lives, seen, lateSeen }: Found, { shownAt }: Played): number {
  const shown = seen.flatMap((row) => shownAt.get(`${String(row['g'])} ${String(row['window_start'])}`)?.part ?? [])
  const late = lives[0]!.said.flatMap((said, part) => {
    if (typeof said !== 'object' || !('lane' in said)) return []
    return each.lanes[said.lane]!.slice(said.from, said.to).some(({ id }) => lateSeen.has(id)) ? [part] : []
  })
  return Math.max(-1, ...shown, ...late)
}

/** Every prefix of the first story that can have been kept, with the second one after it. */
function* histories(
  first: readonly Said[],
  second: readonly Said[],
  saved: ReadonlyMap<string, number>,
  decided: readonly number[],
): Generator<Said[]> {
  for (const last of decided) {
    const kept = first.slice(0, last + 1)
    const at = new Map<string, number>()
    for (const said of kept) if (typeof said === 'object' && 'lane' in said) at.set(said.lane, said.to)
    if ([...saved].some(([lane, n]) => (at.get(lane) ?? 0) < n)) continue
    // What was kept is read again first, and is not told again.
    const rest = second.flatMap((said): Said[] => {
      if (typeof said === 'string' || !('lane' in said)) return [said]
      const from = Math.max(said.from, at.get(said.lane) ?? 0)
      return from < said.to ? [{ ...said, from }] : []
    })
    yield [...kept, 'restart', ...rest]
  }
}

/** A result comes right after the records that have moved the watermark to where it is due. */
function judgeOrder(each: WindowCase, { lives, seen }: Found, about: string): void {
  const { shownAt, ahead }: Played = played(each, lives[0]!.said)
  const isAhead = new Set(ahead)
  /** Of the records, how many were read when the n-th of those that are seen was. */
  const readAt: number[] = []
  let read = 0
  for (const said of lives[0]!.said) {
    if (typeof said !== 'object' || !('lane' in said)) continue
    read += said.to - said.from
    for (const { id } of each.lanes[said.lane]!.slice(said.from, said.to)) if (!isAhead.has(id)) readAt.push(read)
  }
  const first = new Map<string, number>()
  let n = 0
  for (const row of seen) {
    if ('id' in row) n++
    else {
      const key = `${String(row['g'])} ${String(row['window_start'])}`
      if (!first.has(key)) first.set(key, n)
    }
  }
  for (const [key, when] of shownAt) {
    const expected = readAt.filter((at) => at <= when.read).length
    const at = first.get(key)
    if (at === undefined) expect(n, `${about}: ${key} is not seen before`).toBeLessThanOrEqual(expected)
    else expect(at, `${about}: when ${key} is seen`).toBe(expected)
  }
}
