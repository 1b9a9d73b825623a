/** Runs a case, and repeats it with crashes. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../clock.ts'
import { deadLetterSchema } from '../connector/dead-letter.ts'
import type { MillraceError } from '../errors/index.ts'
import type { BoundCase, ExpectedOutput } from './bind.ts'
import { type Difference, differencesOf, pair, type PairStep } from './compare.ts'
import { createOutbox, type Outbox } from './outbox.ts'
import { virtualClock } from './clock.ts'
import { crashFaults, type WholePlay } from './crashes.ts'
import { type Play, type ProcessEnd, runProcess } from './process.ts'
import { type Plain, plainOf } from './rows.ts'
import { inOrder } from './script.ts'

/** What a sink has taken, and how that relates to what the case expects. */
export interface CaseOutput {
  readonly sink: string
  readonly records: readonly Plain[]
  /** Absent: the case does not expect anything of it. */
  readonly steps?: readonly PairStep[]
  readonly expected?: ExpectedOutput
}

/** The result of a case. */
export interface CaseResult {
  readonly ok: boolean
  readonly outputs: readonly CaseOutput[]
  readonly differences: readonly Difference[]
  /** How the run failed, if it did. */
  readonly error?: { readonly code: string; readonly message: string; readonly place?: string | undefined }
  /** It failed, though the case does not expect it; or it did not, or otherwise. */
  readonly isErrorWrong: boolean
  /** Edges of the graph that do not balance: a fault of a step or of the engine. */
  readonly imbalances: readonly string[]
  /** It expects nothing yet. */
  readonly isOpen: boolean
  /** What comes out differently if the process dies: where it was killed, and the difference. */
  readonly crashes: readonly { readonly point: string; readonly epoch: number; readonly difference: Difference }[]
  /** How often it was killed. */
  readonly kills: number
  readonly durationMs: number
}

/**
 * Most batches of a case, and of one that is repeated with crashes. Where each record is a batch, all that came before
 * an error has come out.
 */
const mostBatches = 200
const crashBatches = 10

/** Runs a case. */
export async function runCase(bound: BoundCase): Promise<CaseResult> {
  const startMs = systemClock.monotonic()
  const { play, end } = await playWhole(bound, mostBatches)
  const outputs = [...outputsOf(bound, play.outboxes), ...answersOutput(bound, play.answers)]
  const differences = outputs.flatMap(({ expected, records: got, steps }) =>
    steps ? differencesOf(expected!, expected!.records, got, steps) : [],
  )
  const isErrorWrong = isWrong(end, bound)
  const isOpen = bound.outputs === undefined
  const imbalances = end.summary?.imbalances ?? []
  const isRight = differences.length === 0 && !isErrorWrong && !isOpen && imbalances.length === 0
  const { kills, faults } =
    isRight && bound.case.crashes
      ? await crashFaults(bound, await playWhole(bound, crashBatches), () => playOf(bound, crashBatches), inFolder)
      : { kills: 0, faults: [] }
  return {
    ok: isRight && faults.length === 0,
    outputs,
    differences,
    ...(end.error ? { error: shownError(end.error) } : {}),
    isErrorWrong,
    imbalances,
    isOpen,
    crashes: faults,
    kills,
    durationMs: systemClock.monotonic() - startMs,
  }
}

/** Plays a case to its end, without crashes. */
async function playWhole(bound: BoundCase, batches: number): Promise<WholePlay> {
  const play = playOf(bound, batches)
  const points = new Set<string>()
  const kills = (point: string) => {
    points.add(point)
    return false
  }
  const clock = virtualClock(bound.case.clockMs)
  const end = await inFolder((home) => runProcess({ ...play, home }, { clock, trail: { last: -1 }, kills }))
  return { play, end, points: [...points] }
}

const shownError = ({ code, message, place }: MillraceError) => ({ code, message, place })

function playOf(bound: BoundCase, batches: number): Omit<Play, 'home'> {
  const { plan, registry, file, sides } = bound
  const records = bound.scripts.flat().filter(({ kind }) => kind === 'records').length
  const most = Math.max(1, Math.ceil(records / batches))
  const outboxes = new Map<string, Outbox>(plan.sinks.map((sink) => [sink.id, createOutbox(sink)]))
  if (plan.deadLetter) outboxes.set(plan.deadLetter.id, createOutbox(plan.deadLetter, true))
  return { plan, registry, root: file.root, entries: inOrder(bound.scripts, most), sides, outboxes, answers: [] }
}

/** The state of a case need not survive the machine, so it is kept in memory where that is a folder. */
function makeFolder(): string {
  try {
    return mkdtempSync('/dev/shm/millrace-test-')
  } catch {
    return mkdtempSync(join(tmpdir(), 'millrace-test-'))
  }
}

async function inFolder<T>(body: (home: string) => Promise<T>): Promise<T> {
  const folder = makeFolder()
  try {
    return await body(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function isWrong({ error }: ProcessEnd, { error: expected }: BoundCase): boolean {
  if (!expected || !error) return error !== undefined || expected !== undefined
  return error.code !== expected.code || !error.message.includes(expected.message ?? '')
}

/** What each sink has taken, compared with what is expected. Letters that a case does not expect are differences. */
function outputsOf(bound: BoundCase, outboxes: ReadonlyMap<string, Outbox>): CaseOutput[] {
  const letters = bound.plan.deadLetter?.id
  return [...outboxes].map(([id, outbox]): CaseOutput => {
    const isLetters = id === letters
    const sink = isLetters ? 'dead_letter' : id
    const type = isLetters ? deadLetterSchema : bound.plan.sinks.find((each) => each.id === id)!.input
    const records = outbox.visible().map(({ row }) => plainOf(row, type, isLetters))
    const none = { sink, isPartial: true, records: [], line: bound.case.line, col: bound.case.col }
    const expected =
      bound.outputs?.find((each) => each.sink === sink) ?? (bound.outputs && isLetters ? none : undefined)
    if (!expected) return { sink, records }
    const { isOrdered, key } = outbox
    const how = { isOrdered, isPartial: expected.isPartial, ...(key ? { key } : {}) }
    return {
      sink,
      records,
      expected,
      steps: pair(
        expected.records.map(({ plain }) => plain),
        records,
        how,
      ),
    }
  })
}

/** The answers to requests, in their order. */
function answersOutput({ plan, outputs }: BoundCase, records: readonly Plain[]): CaseOutput[] {
  if (!plan.sources.some(({ capabilities }) => capabilities.answers)) return []
  const expected = outputs?.find(({ sink }) => sink === 'answers')
  if (!expected) return [{ sink: 'answers', records }]
  const wanted = expected.records.map(({ plain }) => plain)
  return [{ sink: 'answers', records, expected, steps: pair(wanted, records, { isOrdered: true, isPartial: true }) }]
}
