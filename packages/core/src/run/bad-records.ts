/**
 * What happens to a bad record (invariant 7): it is refused to its sender, it stops the run, it goes to the dead
 * letter, or it is dropped and counted. `stop_above` stops the run when more than that share of a source's last 10,000
 * records failed; it is evaluated from the 1,000th record on, and at the end of the source.
 */
import { deadLetterRow, type Failure } from '../connector/dead-letter.ts'
import { hide, MillraceError } from '../errors/index.ts'
import { Records } from '../record/index.ts'
import type { Answers } from './answers.ts'
import { letterOf } from './letters.ts'
import type { Component, Policy } from './nodes.ts'

/** Thrown when a record stops the run; the component looks up the record's place and writes the message. */
export class DataStop extends Error {
  override readonly name = 'DataStop'
  readonly failure: Failure
  constructor(failure: Failure) {
    super(failure.message ?? failure.code)
    this.failure = failure
  }
}

/**
 * Called for each failed record with the node, its policy, the records and the index in them. True: it was refused to
 * its sender, or is a dead letter that stays one; it is not stored anywhere else.
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
   * Applies the policy to one failed record. Throws `DataStop` if the policy is stop. True: it is a dead letter that
   * failed where it failed before, and stays as it is.
   */
  report(policy: Policy, failure: Failure): boolean
  /** Records of a source were read; throws when too many of them failed. */
  onRead(source: string, records: number): void
  /** A source has ended; throws when too many of its records failed. */
  sourceEnded(source: string): void
}

export interface BadRecordsContext {
  /** Absent if no source answers. */
  readonly answers: Answers | undefined
  /** A barrier has been taken and is not in the dead letter's queue yet. */
  beforeDeadLetter(): boolean
  /**
   * A dead letter is written for this record and node. `isBeingWritten`: it belongs to the epoch that is being written.
   */
  deadLettered(id: string, node: string, isBeingWritten: boolean): void
  /** A record that is being replayed from the dead letter failed again. */
  failedAgain(failure: Failure): void
}

export function createBadRecords(component: Component, ctx: BadRecordsContext): BadRecords {
  const { deadLetter, pipeline, specHash, sources } = component
  const isSink = new Set([...component.sinks, ...(deadLetter ? [deadLetter] : [])].map((s) => s.id))
  const refusing = new Set(sources.filter((s) => s.policy === 'refuse').map((s) => s.id))
  const failureLimit = createFailureLimit(component.stopAbove)
  /** The type of the records that a source reads, or that a step or sink gets. */
  const typeOf = (id: string) =>
    sources.find((s) => s.id === id)?.type ??
    component.sinks.find((s) => s.id === id)?.type ??
    component.steps.find((s) => s.id === id)?.plan.input
  const sendToDeadLetter = (f: Failure) => {
    if (!deadLetter)
      throw new MillraceError(
        'no_dead_letter',
        `a record of ${f.node} should go to the dead letter, but the spec has no dead_letter sink`,
        {
          exitCode: 2,
        },
      )
    ctx.deadLettered(f.id, f.node, isSink.has(f.node))
    const row = deadLetterRow(f, pipeline, specHash)
    deadLetter.count.in++
    const result = { step: 'dead_letter', key: [f.id, f.node] }
    const item = { records: Records.ofResults([row], [result], pipeline), bytes: 300 + row['bytes'].length }
    // What fails in the graph belongs to the epoch being filled, even if the barrier before it is not in this queue
    // yet.
    if (ctx.beforeDeadLetter() && !isSink.has(f.node)) deadLetter.queue.pushBehindBarrier(item)
    else deadLetter.queue.push(item)
  }
  const report: BadRecords['report'] = (policy, found) => {
    // A server may have sent back a header: what is kept of its answer has no secret.
    const failure = found.message === undefined ? found : { ...found, message: hide(found.message) }
    const { letter } = failure
    if (letter) {
      // A replay never stops the run, and a letter that fails where it failed before stays as it is.
      ctx.failedAgain(failure)
      const isSame = letter.id === failure.id && letter.node === failure.node
      if (!isSame && policy !== 'drop') sendToDeadLetter(failure)
      return isSame
    }
    if (policy === 'stop') throw new DataStop(failure)
    if (policy === 'dead_letter') sendToDeadLetter(failure)
    component.onFailed?.(failure)
    failureLimit.failed(failure.source)
    return false
  }
  const onFail: OnFail = (node, policy, records, i, code, more) => {
    const origin = records.origin(i)
    const batch = origin?.batch
    if (origin && ctx.answers) {
      if (ctx.answers.refuse(origin.source, origin.batch, origin, { code, ...more })) return true
      // It was admitted and sinks may have it already: report it to its sender without holding up anything else.
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
      headers: records.headers(i),
      tombstone: records.tombstone(i),
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
  return { onFail, report, onRead: failureLimit.passed, sourceEnded: failureLimit.ended }
}

const blockSize = 1000
const blocks = 10

interface Window {
  readonly seen: number[]
  readonly failed: number[]
}

/** Limits the share of failed records among the last ones of each source. */
function createFailureLimit(stopAbove: number | undefined) {
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
      `${failed} of the last ${seen} records of ${source} failed, more than ${allowed}`,
      {
        place: source,
        node: source,
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
