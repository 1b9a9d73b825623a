/** From a record that cannot pass a step or sink to what becomes of it: refused to its sender, stopped at, buried in the dead letter, or dropped. */
import { deadLetterRow, type Failure } from '../dead-letter.ts'
import { MillraceError } from '../errors.ts'
import { Records } from '../record.ts'
import type { Answers } from './answers.ts'
import type { Component } from './component.ts'
import { createFailures, type Failures } from './failures.ts'
import type { OnFail } from './graph.ts'

export interface Failing {
  readonly failures: Failures
  readonly onFail: OnFail
}

/** `beforeDeadLetter`: a cut is on its way and has not come to the dead letter's queue. `answers`: absent where no source answers. */
export function createFailing(
  component: Component,
  answers: Answers | undefined,
  beforeDeadLetter: () => boolean,
): Failing {
  const { deadLetter, pipeline, specHash } = component
  const isSink = new Set([...component.sinks, ...(deadLetter ? [deadLetter] : [])].map((s) => s.id))
  const bury = (f: Failure) => {
    if (!deadLetter)
      throw new MillraceError(
        'no_dead_letter',
        `a record of ${f.node} should go to the dead letter, but the spec has none`,
        { exitCode: 2 },
      )
    const row = deadLetterRow(f, pipeline, specHash)
    deadLetter.count.in++
    const item = {
      records: Records.ofResults([row], [{ step: 'dead_letter', key: [f.id, f.node] }], pipeline),
      bytes: 300,
    }
    // What the transforms fail belongs to the epoch being filled, though the cut of the one before may still be on its way to the dead letter.
    if (beforeDeadLetter() && !isSink.has(f.node)) deadLetter.queue.pushBehindCut(item)
    else deadLetter.queue.push(item)
  }
  const failures = createFailures(component.stopAbove, bury, component.onFailed)
  const onFail: OnFail = (node, policy, records, i, code, more) => {
    const origin = records.origin(i)
    const batch = origin?.batch
    if (answers && origin) {
      if (answers.refuse(origin.source, origin.batch, origin, { code, ...more })) return true
      answers.failed(origin.batch, origin.index, { code, ...more })
    }
    failures.report(policy, {
      node,
      code,
      ...more,
      id: records.id(i),
      path: records.paths?.[i],
      source: origin?.source ?? '',
      split: batch?.split ?? '',
      position: batch ? batch.positionAt(origin.index) : records.id(i),
      context: batch?.context,
      bytes: batch?.rawAt?.(origin!.index),
      row: batch && !batch.rawAt ? batch.rows[origin!.index] : records.rows[i],
    })
    return false
  }
  return { failures, onFail }
}
