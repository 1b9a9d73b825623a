/**
 * Admits a batch into the graph: counts it at its source and at the steps pushed down into the source, and handles its
 * bad records.
 */
import { idPosition, idPrefix } from '../record/index.ts'
import type { BadRecord, Batch } from '../record/index.ts'
import type { Answers } from './answers.ts'
import type { BadRecords } from './bad-records.ts'
import { countCode } from './counters.ts'
import type { Component, SourceNode } from './nodes.ts'

/** Counts a batch and reports its bad records. Returns how many records it holds. */
export function admitBatch(
  node: SourceNode,
  batch: Batch,
  component: Component,
  bad: BadRecords,
  answers: Answers | undefined,
): number {
  const { counters } = component
  const failedIn = new Map<string, number>()
  let undecoded = 0
  for (const record of batch.bad ?? []) {
    const { step, code } = record
    const failing = step === undefined ? node.count : counters.steps[step]!
    countCode(failing, code)
    if (step === undefined) undecoded++
    else failedIn.set(step, (failedIn.get(step) ?? 0) + 1)
    if (reportOne(node, batch, record, component, bad, answers)) failing.refused++
  }
  let dropped = 0
  for (const [, n] of batch.dropped ?? []) dropped += n
  const read = batch.rows.length + (batch.bad?.length ?? 0) + dropped
  node.count.read += read
  node.count.unknown += batch.unknown ?? 0
  node.count.bytes += batch.bytes
  if (batch.skipped) node.count.skipped = (node.count.skipped ?? 0) + batch.skipped
  node.count.failed += undecoded
  node.count.out += read - undecoded
  const filteredIn = new Map(batch.dropped ?? [])
  let flowing = read - undecoded
  for (const id of node.pushed) {
    const count = counters.steps[id]!
    const failed = failedIn.get(id) ?? 0
    const filtered = filteredIn.get(id) ?? 0
    count.in += flowing
    count.failed += failed
    count.filtered += filtered
    flowing -= failed + filtered
    count.out += flowing
    filteredIn.delete(id)
  }
  // What was skipped for the next step, which will not see it.
  for (const [id, n] of filteredIn) {
    const count = counters.steps[id]!
    count.in += n
    count.filtered += n
  }
  return read
}

/** True: the record was refused to its sender. */
function reportOne(
  node: SourceNode,
  batch: Batch,
  record: BadRecord,
  component: Component,
  bad: BadRecords,
  answers: Answers | undefined,
): boolean {
  const { code, field, message, step, position, bytes, key, headers, tombstone, arrival } = record
  const fault = { code, field, message }
  if (answers?.refuse(node.id, batch, record, fault)) return true
  const policy = step === undefined ? node.policy : (component.steps.find((s) => s.id === step)?.policy ?? node.policy)
  bad.report(policy, {
    node: step ?? node.id,
    ...fault,
    id: record.id ?? idPrefix(component.pipeline, node.id, batch.split) + idPosition(position),
    source: node.id,
    split: batch.split,
    position,
    context: record.context ?? batch.context,
    key,
    headers,
    tombstone,
    arrival,
    bytes,
  })
  return false
}
