/**
 * The first records of a pipeline, shown at every point of the graph. Connects only to sources and writes nothing: no
 * sink, no state.
 */
import { systemClock } from '../clock.ts'
import { endOfRun, freshRead, isBatch, type ReadContext, type SourceCapabilities } from '../connector/index.ts'
import type { Plan } from '../plan/index.ts'
import { type Batch, type CaughtUp, Records, type Row, type SplitsFound } from '../record/index.ts'
import type { Registry } from '../registry/index.ts'
import { arrivalTimes } from './event-time.ts'
import { buildGraph } from './graph.ts'
import { createLanes } from './lanes.ts'
import type { SourceNode } from './nodes.ts'
import { createSource, createSteps, type Workspace } from './wiring.ts'
import { asRunError } from './retry.ts'
import { loadSideInputs } from './side-inputs.ts'

/** A bad record. */
export interface PreviewFailure {
  readonly code: string
  readonly field?: string
  readonly message?: string
  /** Where the record is, and its bytes as text. */
  readonly place: string
  readonly raw: string
}

/** What one output produced. */
export interface PreviewNode {
  readonly id: string
  readonly rows: readonly Row[]
  /** All are counted, the first ten are kept. */
  readonly failed: number
  readonly failures: readonly PreviewFailure[]
}

/** How much is read, and from where. */
export interface PreviewOptions extends Workspace {
  /** Records to read from each source. */
  readonly limit: number
  readonly signal?: AbortSignal
}

/**
 * Previews a plan; make the plan without pushdown to see the effect of every step. Bad records are listed where they
 * fail, whatever `on_error` says.
 */
export async function preview(
  plan: Plan,
  registry: Registry,
  options: PreviewOptions,
): Promise<readonly PreviewNode[]> {
  const nodes = new Map<string, { id: string; rows: Row[]; failed: number; failures: PreviewFailure[] }>()
  const at = (id: string) => {
    let node = nodes.get(id)
    if (!node) nodes.set(id, (node = { id, rows: [], failed: 0, failures: [] }))
    return node
  }
  const failed = (
    id: string,
    place: string,
    bytes: Uint8Array | string,
    more: { code: string; field?: string | undefined; message?: string | undefined },
  ) => {
    const node = at(id)
    node.failed++
    const { code, field, message } = more
    if (node.failures.length < 10)
      node.failures.push({
        code,
        field,
        message,
        place,
        raw: typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('latin1'),
      })
  }
  const sources = plan.sources.map((node) => ({ plan: node, node: createSource(plan, node, registry, options) }))
  const steps = createSteps(plan, registry, options)
  const beganMs = systemClock.now()
  const abort = new AbortController()
  const signal = options.signal ? AbortSignal.any([options.signal, abort.signal]) : abort.signal
  const graph = buildGraph({
    steps,
    sinks: [],
    pipeline: plan.name,
    onFail(id, _policy, records, i, code, more) {
      const origin = records.origin(i)
      const place = origin ? `${origin.batch.split}@${origin.batch.positionAt(origin.index)}` : records.id(i)
      failed(id, place, origin?.batch.rawAt?.(origin.index) ?? JSON.stringify(records.rows[i]), { code, ...more })
      return false
    },
    tap: (name, records) => void at(name).rows.push(...records.rows),
  })
  await loadSideInputs(
    steps,
    sources.filter((s) => s.plan.side).map((s) => s.node),
    plan,
    signal,
    () => {},
    async (node, doing, body) => {
      try {
        return await body()
      } catch (error) {
        throw asRunError(error, node, doing)
      }
    },
    () => {},
    beganMs,
  )
  const read = sources.filter((s) => !s.plan.side)
  const lanes = createLanes(
    read.map(({ node }) => node),
    [],
  )
  for (const { node } of read) {
    await readSome(node, options.limit, freshRead(signal, { beganMs }), (given) => {
      const timed = node.time ? node.time.timed(given, systemClock) : given
      const batch = node.eventTime?.arrival ? arrivalTimes(timed, beganMs, lanes.high(node.id, timed.split)) : timed
      const high = lanes.advance(node.id, batch)
      for (const bad of batch.bad ?? []) failed(bad.step ?? node.id, `${batch.split}@${bad.position}`, bad.bytes, bad)
      graph.handOver(
        node.pushed.at(-1) ?? node.id,
        new Records({
          rows: batch.rows,
          from: [node.eventTime ? { source: node.id, batch, high } : { source: node.id, batch }],
          pipeline: plan.name,
        }),
        0,
      )
    })
    await node.source.close?.()
  }
  for (const step of steps) while (step.transform.advance && !graph.advance(step, endOfRun));
  abort.abort()
  return [...nodes.values()]
}

/** Hands on at most `limit` records; of a source that does not end, those that are there now. */
async function readSome(
  node: SourceNode,
  limit: number,
  ctx: ReadContext,
  take: (batch: Batch) => void,
): Promise<void> {
  let left = limit
  const isOver = endOfInput(node.capabilities)
  for await (const given of node.source.read(ctx)) {
    if (isBatch(given)) {
      const n = Math.min(left, given.rows.length)
      take(n === given.rows.length ? given : { ...given, rows: given.rows.slice(0, n), positionAt: given.positionAt })
      left -= n + (given.bad?.length ?? 0)
    }
    if (left <= 0 || isOver(given)) return
  }
}

/** Whether a source has nothing more for now. Never, if its records are made for the preview: requests are awaited. */
function endOfInput({ lanes, replayable }: SourceCapabilities): (given: Batch | SplitsFound | CaughtUp) => boolean {
  const open = new Set<string>()
  return (given) => {
    if ('splits' in given) for (const { id } of given.splits) open.add(id)
    else if (isBatch(given) && !given.caughtUp) {
      if (given.end) open.delete(given.split)
      else open.add(given.split)
    } else {
      for (const split of isBatch(given) ? [given.split] : given.caughtUp) open.delete(split)
      return replayable && (lanes === 'one' || open.size === 0)
    }
    return false
  }
}
