/**
 * The outcome of each record of a request, for sources that answer.
 *
 * A request is a split. While its records go through the stateless steps, a bad record refuses the whole request (or,
 * with `partial`, only itself). That is decided before any of its records reaches a stateful step or a sink, so a
 * refused request leaves no trace. The rows at the step named by `answer:` are kept until the epoch is saved, when
 * `commit` gets them (invariant 6). A request that is refused completely is answered immediately: nothing of it is
 * saved.
 *
 * Decision: docs/decisions/20261121-answers-after-the-save.md
 */
import type { Answer, Done } from '../connector/index.ts'
import type { Batch, Records, Row } from '../record/index.ts'
import type { SourceNode } from './nodes.ts'
import type { Fault, Request } from './request.ts'

export interface Answers {
  begin(node: SourceNode, batches: readonly Batch[]): void
  /**
   * A bad record before the first stateful step or sink. False: it does not belong to a request that can be refused.
   */
  refuse(source: string, batch: Batch, at: { index: number } | { position: string | number }, fault: Fault): boolean
  /** A record that failed in a sink or after a stateful step. False: it does not belong to a request. */
  failed(batch: Batch, index: number, fault: Fault): boolean
  /** Keeps the rows that the answers of a source return. */
  keepAnswerRows(name: string, records: Records): void
  /** The stateless steps are done: from here on no record is refused. */
  stopRefusing(): void
  /** The records that may continue to stateful steps and sinks. */
  admit(records: Records): Records
  /** After the graph has run: requests that are refused completely, to be answered now. */
  takeRefused(): { readonly source: string; readonly done: Done }[]
  /** Requests admitted since the last call, to be answered once their epoch is saved. */
  takeAdmitted(): Request[]
}

export function createAnswers(sources: readonly SourceNode[]): Answers {
  const answering = new Map(sources.filter((s) => s.capabilities.answers).map((s) => [s.id, s]))
  const open = new Map<Batch, Request>()
  const byBatch = new WeakMap<Batch, Request>()
  let admitted: Request[] = []
  let canRefuse = false
  const answerFrom = (node: SourceNode): string => node.answer?.from ?? node.id
  const answerOutputs = new Set([...answering.values()].map(answerFrom))
  /**
   * Calls `visit` for each record of an open request, with the request, the index in it and the index in the records.
   */
  const each = (records: Records, visit: (request: Request, index: number, i: number) => void) => {
    const { from, origins } = records
    if (from.length === 1) {
      const request = open.get(from[0]!.batch)
      for (let i = 0; request && i < records.length; i++) {
        const index = origins ? origins[i]! : i
        if (index >= 0) visit(request, index, i)
      }
      return
    }
    for (let i = 0; i < records.length; i++) {
      const origin = records.origin(i)
      const request = origin && open.get(origin.batch)
      if (request) visit(request, origin.index, i)
    }
  }
  return {
    begin(node, batches) {
      canRefuse = true
      if (!answering.has(node.id)) return
      for (const batch of batches) {
        if (batch.rows.length === 0 && !batch.bad?.length) continue
        const request: Request = {
          source: node.id,
          batch,
          partial: node.answer?.partial === true,
          rows: [],
          errors: undefined,
          undecoded: undefined,
          passed: [],
          failedLater: undefined,
        }
        open.set(batch, request)
        byBatch.set(batch, request)
      }
    },
    refuse(source, batch, at, fault) {
      const request = open.get(batch)
      if (!request || !canRefuse || answering.get(source)?.policy !== 'refuse') return false
      if ('index' in at) push((request.errors ??= new Map()), at.index, fault)
      else push((request.undecoded ??= new Map()), at.position, fault)
      return true
    },
    failed(batch, index, fault) {
      const request = byBatch.get(batch)
      if (!request) return false
      push((request.failedLater ??= new Map()), index, fault)
      return true
    },
    keepAnswerRows(name, records) {
      if (open.size === 0 || !answerOutputs.has(name)) return
      each(records, (request, index, i) => {
        if (name === answerFrom(answering.get(request.source)!)) request.rows[index] ??= records.rows[i]
      })
    },
    stopRefusing() {
      canRefuse = false
    },
    admit(records) {
      if (open.size === 0) return records
      const out = new Set<number>()
      each(records, (request, index, i) => {
        if (whollyRefused(request) || request.errors?.has(index)) out.add(i)
        else request.passed[index] = true
      })
      return out.size === 0 ? records : records.pick([...records.rows.keys()].filter((i) => !out.has(i)))
    },
    takeRefused() {
      const refused: { source: string; done: Done }[] = []
      for (const request of open.values()) {
        if (whollyRefused(request)) refused.push({ source: request.source, done: outcomeOf(request) })
        else admitted.push(request)
      }
      open.clear()
      return refused
    },
    takeAdmitted() {
      const taken = admitted
      admitted = []
      return taken
    },
  }
}

function push(into: Map<unknown, Fault[]>, key: unknown, fault: Fault): void {
  const faults = into.get(key)
  if (faults) faults.push(fault)
  else into.set(key, [fault])
}

const whollyRefused = (r: Request): boolean =>
  (r.errors !== undefined || r.undecoded !== undefined) && (!r.partial || (r.errors?.size ?? 0) === r.batch.rows.length)

/**
 * A request's outcome, record by record. If it is refused completely, its good records are refused too, without errors.
 */
export function outcomeOf(request: Request): Done {
  const { batch } = request
  const common = { split: batch.split, position: batch.position }
  if (allTaken(request)) return { ...common, taken: request.rows as Row[] }
  const whole = whollyRefused(request) || undefined
  const answers: Answer[] = [...(request.undecoded ?? [])].map(([position, errors]) => ({
    position,
    outcome: 'refused',
    errors,
  }))
  for (let i = 0; i < batch.rows.length; i++) {
    const position = batch.positionAt(i)
    const refused = request.errors?.get(i)
    const failed = request.failedLater?.get(i)
    const row = request.rows[i]
    if (refused ?? whole) answers.push({ position, outcome: 'refused', errors: refused })
    else if (failed) answers.push({ position, outcome: 'failed', errors: failed })
    else answers.push({ position, outcome: request.passed[i] ? 'taken' : 'dropped', row })
  }
  return { ...common, answers }
}

function allTaken({ batch, rows, passed, errors, undecoded, failedLater }: Request): boolean {
  if (errors || undecoded || failedLater) return false
  for (let i = 0; i < batch.rows.length; i++) if (!rows[i] || !passed[i]) return false
  return true
}
