/**
 * Repeats a case with crashes. For each point at which a process can die, the case is played again and killed there
 * once in every epoch; each time a new process continues on the same state. In the end, every sink must have what it
 * has without crashes, as far as it promises: one that may repeat records must repeat the same ones.
 */
import { printJson } from '../convert/index.ts'
import { deadLetterSchema } from '../connector/dead-letter.ts'
import type { BoundCase } from './bind.ts'
import { virtualClock } from './clock.ts'
import { type Difference, differencesOf, pair } from './compare.ts'
import type { Outbox, Taken } from './outbox.ts'
import { type Play, type ProcessEnd, runProcess } from './process.ts'
import { type Plain, plainOf } from './rows.ts'

/** What came out differently. */
export interface CrashFault {
  readonly point: string
  /** The epoch in which the process was killed first. */
  readonly epoch: number
  readonly difference: Difference
}

/** Before the first record nothing can differ; after the end the next start is another run. */
const skipped: ReadonlySet<string> = new Set(['mid_begin', 'after_end'])

/** A case that was played without crashes, and the crash points that it passed. */
export interface WholePlay {
  readonly play: Omit<Play, 'home'>
  readonly end: ProcessEnd
  readonly points: readonly string[]
}

/** Kills the case at each point that it passes; ends with the first at which something differs. */
export async function crashFaults(
  bound: BoundCase,
  whole: WholePlay,
  playOf: () => Omit<Play, 'home'>,
  inFolder: <T>(body: (home: string) => Promise<T>) => Promise<T>,
): Promise<{ readonly kills: number; readonly faults: readonly CrashFault[] }> {
  let kills = 0
  for (const point of whole.points.filter((each) => !skipped.has(each))) {
    const play = playOf()
    const { end, epochs } = await inFolder((home) => runKilled({ ...play, home }, point, bound.case.clockMs))
    kills += epochs.length
    const differences = [
      ...[...play.outboxes].flatMap(([id, outbox]) => outputFaults(bound, id, whole.play.outboxes.get(id)!, outbox)),
      ...errorFaults(bound, whole.end, end),
    ]
    if (differences.length > 0)
      return { kills, faults: differences.map((difference) => ({ point, epoch: epochs[0] ?? 0, difference })) }
  }
  return { kills, faults: [] }
}

/** Runs processes one after the other until one is not killed. Returns the epochs in which they were. */
async function runKilled(
  play: Play,
  point: string,
  clockMs: number,
): Promise<{ readonly end: ProcessEnd; readonly epochs: readonly number[] }> {
  let clock = virtualClock(clockMs)
  let saves = 0
  const trail = { last: -1 }
  const killedIn = new Set<number>()
  // Each batch is an epoch. The last one, at the end of the input, is repeated at every start.
  const most = play.entries.length + 2
  const kills = (passed: string): boolean => {
    if (passed === 'after_save') saves++
    if (passed !== point || killedIn.has(saves) || killedIn.size === most) return false
    killedIn.add(saves)
    return true
  }
  for (;;) {
    const end = await runProcess(play, { clock, trail, kills })
    if (!end.killed) return { end, epochs: [...killedIn].map((epoch) => epoch + 1) }
    clock = virtualClock(clock.now())
  }
}

function outputFaults(bound: BoundCase, id: string, without: Outbox, after: Outbox): Difference[] {
  const isLetters = id === bound.plan.deadLetter?.id
  const type = isLetters ? deadLetterSchema : bound.plan.sinks.find((each) => each.id === id)!.input
  const plain = (taken: readonly Taken[]): Plain[] => taken.map(({ row }) => plainOf(row, type, isLetters))
  const expected = plain(without.visible())
  const { isOrdered, key } = after
  const got = plain(after.repeats ? withoutRepeats(after.visible()) : after.visible())
  const { line, col } = bound.case
  const records = expected.map((each) => ({ plain: each, line, col, node: bound.case.node }))
  const steps = pair(expected, got, { isOrdered, isPartial: false, ...(key ? { key } : {}) })
  return differencesOf({ sink: isLetters ? 'dead_letter' : id, line, col }, records, got, steps)
}

/** Without records that came again as they were. */
function withoutRepeats(taken: readonly Taken[]): readonly Taken[] {
  const seen = new Set<string>()
  return taken.filter(({ id, row }) => {
    const text = printJson([id, row])
    if (seen.has(text)) return false
    seen.add(text)
    return true
  })
}

function errorFaults({ case: { line, col } }: BoundCase, without: ProcessEnd, after: ProcessEnd): Difference[] {
  const plain = ({ error }: ProcessEnd): Plain => (error ? { code: error.code, message: error.message } : {})
  if (without.error?.code === after.error?.code) return []
  return [{ sink: 'error', kind: 'changed', expected: plain(without), got: plain(after), line, col }]
}
