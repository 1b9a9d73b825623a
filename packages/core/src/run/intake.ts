/** What happens to a batch before its rows flow: it is counted, at its source and at the steps the source has taken over, and its bad records are dealt with. */
import { MillraceError } from '../errors.ts'
import type { Batch } from '../record.ts'
import type { Answers } from './answers.ts'
import type { Component } from './component.ts'
import { DataStop, type Failures, type Policy } from './failures.ts'
import type { SourceNode } from './graph.ts'

/** Counts a batch at its source and at the steps it has taken over, and deals with its bad records. Returns how many records it holds. */
export function countBatch(
  node: SourceNode,
  batch: Batch,
  component: Component,
  failures: Failures,
  answers: Answers,
): number {
  const { counters } = component
  const bad = batch.bad ?? []
  const pushedFilters = new Map(batch.dropped ?? [])
  let undecoded = 0
  const failedIn = new Map<string, number>()
  for (const record of bad) {
    const at = record.step ?? node.id
    if (record.step === undefined) undecoded++
    else failedIn.set(at, (failedIn.get(at) ?? 0) + 1)
    const { code, field, message } = record
    if (
      answers.refuse(node.id, batch, record, { code, ...(field ? { field } : {}), ...(message ? { message } : {}) })
    ) {
      if (record.step === undefined) node.count.refused++
      else counters.steps[at]!.refused++
      continue
    }
    const policy: Policy =
      record.step === undefined
        ? node.policy
        : (component.steps.find((s) => s.id === record.step)?.policy ?? node.policy)
    failures.report(policy, {
      node: at,
      code: record.code,
      field: record.field,
      message: record.message,
      id: record.id ?? `${component.pipeline}/${node.id}/${batch.split}@${record.position}`,
      source: node.id,
      split: batch.split,
      position: record.position,
      context: batch.context,
      bytes: record.bytes,
    })
  }
  let dropped = 0
  for (const n of pushedFilters.values()) dropped += n
  const read = batch.rows.length + bad.length + dropped
  node.count.read += read
  node.count.unknown += batch.unknown ?? 0
  node.count.bytes += batch.bytes
  node.count.failed += undecoded
  node.count.out += read - undecoded
  let flowing = read - undecoded
  for (const id of node.pushed) {
    const count = counters.steps[id]!
    const failed = failedIn.get(id) ?? 0
    const filtered = pushedFilters.get(id) ?? 0
    count.in += flowing
    count.failed += failed
    count.filtered += filtered
    flowing -= failed + filtered
    count.out += flowing
  }
  return read
}

/** A record that stopped the run, as an error that names its place. */
export async function placed(failure: unknown, component: Component): Promise<unknown> {
  if (!(failure instanceof DataStop)) return failure
  const f = failure.failure
  const source = component.sources.find((s) => s.id === f.source)?.source
  const place =
    (await source?.locate?.(f.split, f.position).catch(() => undefined)) ??
    (f.source ? `${f.source}, split ${f.split}, position ${f.position}` : f.id)
  return new MillraceError(
    f.code,
    `${f.message ?? f.code}${f.field && !f.message?.includes(f.field) ? ` (field ${f.field})` : ''}`,
    {
      place: f.node === f.source ? place : `${place}, at ${f.node}`,
      hint: 'mend the input or the spec and run again: it goes on where it stopped. Or let bad records go to a dead letter: on_error: { data: dead_letter }',
    },
  )
}
