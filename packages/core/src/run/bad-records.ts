/**
 * What becomes of a record that cannot pass (invariant 7): it is refused to its sender, or the run stops at it, or it goes
 * to the dead letter, or it is dropped and counted. `stop_above` ends a flood: when more than that share of the last 10,000
 * records of a source failed, judged from its 1,000th on and at its end.
 */
import { deadLetterRow, type Failure } from '../connector/dead-letter.ts'
import { MillraceError } from '../errors/index.ts'
import { Records } from '../record/index.ts'
import type { Answers } from './answers.ts'
import { letterOf } from './letters.ts'
import type { Component, Policy } from './nodes.ts'

/** Thrown where a record stops the run; the component looks up the record's place and makes a message of it. */
export class DataStop extends Error {
  override readonly name = 'DataStop'
  readonly failure: Failure
  constructor(failure: Failure) {
    super(failure.message ?? failure.code)
    this.failure = failure
  }
}

/**
 * Told of each failed record: the node, its policy, the records and the index in them. True: it was refused to its sender,
 * or is a letter that stays one; nobody else keeps it.
 */
export type OnFail = (
  node: string,
  policy: Policy,
  records: Records,
  i: number,
  code: string,
  more?: { readonly field?: string; readonly message?: string },
) => boolean

export interface BadRecords {
  readonly onFail: OnFail
  /**
   * Deals with one failed record. Throws `DataStop` where the policy is stop. True: it is a letter that failed where it
   * failed before, and stays what it is.
   */
  report(policy: Policy, failure: Failure): boolean
  /** Records of a source went by; throws when too many of them failed. */
  passed(source: string, records: number): void
  /** The end of a source. */
  ended(source: string): void
}

export interface BadRecordsContext {
  /** Absent where no source answers. */
  readonly answers: Answers | undefined
  /** A barrier is on its way and has not come to the dead letter's queue. */
  beforeDeadLetter(): boolean
  /** A letter of this record and node is written; `isBeingWritten`: it belongs to the epoch that is being written. */
  buried(id: string, node: string, isBeingWritten: boolean): void
  /** A record that is being replayed from the dead letter failed. */
  failedAgain(failure: Failure): void
}

export function createBadRecords(component: Component, ctx: BadRecordsContext): BadRecords {
  const { deadLetter, pipeline, specHash, sources } = component
  const isSink = new Set([...component.sinks, ...(deadLetter ? [deadLetter] : [])].map((s) => s.id))
  const refusing = new Set(sources.filter((s) => s.policy === 'refuse').map((s) => s.id))
  const flood = createFlood(component.stopAbove)
  /** Of what a source reads, or of what comes into a step or sink. */
  const typeOf = (id: string) =>
    sources.find((s) => s.id === id)?.type ??
    component.sinks.find((s) => s.id === id)?.type ??
    component.steps.find((s) => s.id === id)?.plan.input
  const bury = (f: Failure) => {
    if (!deadLetter)
      throw new MillraceError(
        'no_dead_letter',
        `a record of ${f.node} should go to the dead letter, but the spec has none`,
        {
          exitCode: 2,
        },
      )
    ctx.buried(f.id, f.node, isSink.has(f.node))
    const row = deadLetterRow(f, pipeline, specHash)
    deadLetter.count.in++
    const result = { step: 'dead_letter', key: [f.id, f.node] }
    const item = { records: Records.ofResults([row], [result], pipeline), bytes: 300 + row['bytes'].length }
    // What the graph fails belongs to the epoch being filled, though the barrier before it may still be on its way.
    if (ctx.beforeDeadLetter() && !isSink.has(f.node)) deadLetter.queue.pushBehindBarrier(item)
    else deadLetter.queue.push(item)
  }
  const report: BadRecords['report'] = (policy, failure) => {
    const { letter } = failure
    if (letter) {
      // A replay never stops the run, and a letter that fails where it failed before stays what it is.
      ctx.failedAgain(failure)
      const isSame = letter.id === failure.id && letter.node === failure.node
      if (!isSame && policy !== 'drop') bury(failure)
      return isSame
    }
    if (policy === 'stop') throw new DataStop(failure)
    if (policy === 'dead_letter') bury(failure)
    component.onFailed?.(failure)
    flood.failed(failure.source)
    return false
  }
  const onFail: OnFail = (node, policy, records, i, code, more) => {
    const origin = records.origin(i)
    const batch = origin?.batch
    if (origin && ctx.answers) {
      if (ctx.answers.refuse(origin.source, origin.batch, origin, { code, ...more })) return true
      // It was let in, and others may have it already: its sender hears of it, and nobody else has to wait.
      const isAnswered = ctx.answers.failed(origin.batch, origin.index, { code, ...more })
      if (isAnswered && policy === 'stop' && refusing.has(origin.source)) return true
    }
    const result = records.results?.[i]
    return report(policy, {
      node,
      code,
      ...more,
      id: records.id(i),
      path: records.paths?.[i],
      source: origin?.source ?? '',
      split: batch?.split ?? '',
      position: batch ? batch.positionAt(origin!.index) : records.id(i),
      context: batch?.contextAt?.(origin!.index) ?? batch?.context,
      key: records.key(i),
      arrival: records.arrival(i),
      time: records.time(i),
      bytes: batch?.rawAt?.(origin!.index),
      ...(batch?.rawAt
        ? {}
        : batch
          ? { row: batch.rows[origin!.index], rowType: typeOf(origin!.source) }
          : { row: records.rows[i], rowType: typeOf(node) }),
      ...(result ? { result } : {}),
      letter: batch && letterOf(batch),
    })
  }
  return { onFail, report, passed: flood.passed, ended: flood.ended }
}

const blockSize = 1000
const blocks = 10

interface Window {
  readonly seen: number[]
  readonly failed: number[]
}

/** The share of failed records among the last ones of each source. */
function createFlood(stopAbove: number | undefined) {
  const windows = new Map<string, Window>()
  const windowOf = (source: string): Window => {
    let window = windows.get(source)
    if (!window) windows.set(source, (window = { seen: [0], failed: [0] }))
    return window
  }
  const judge = (source: string, window: Window) => {
    const seen = window.seen.reduce((a, b) => a + b, 0)
    const failed = window.failed.reduce((a, b) => a + b, 0)
    if (stopAbove === undefined || seen === 0 || failed / seen <= stopAbove) return
    const allowed = `stop_above allows (${+(stopAbove * 100).toFixed(3)} %)`
    throw new MillraceError(
      'too_many_bad_records',
      `${failed} of the last ${seen} records of ${source} failed: more than ${allowed}`,
      {
        place: source,
        hint: 'look at them with `pipe dead-letter list`, fix the spec (a date format? a type?) and run again',
      },
    )
  }
  return {
    failed(source: string) {
      if (stopAbove === undefined || !source) return
      const { failed } = windowOf(source)
      failed[failed.length - 1]!++
    },
    passed(source: string, records: number) {
      if (stopAbove === undefined) return
      const window = windowOf(source)
      window.seen[window.seen.length - 1]! += records
      if (window.seen.at(-1)! < blockSize) return
      judge(source, window)
      window.seen.push(0)
      window.failed.push(0)
      if (window.seen.length > blocks) {
        window.seen.shift()
        window.failed.shift()
      }
    },
    ended(source: string) {
      if (stopAbove !== undefined) judge(source, windowOf(source))
    },
  }
}
