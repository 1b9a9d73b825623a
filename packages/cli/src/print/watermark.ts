/** Watermarks in words, for `pipe watermark`: what holds each, why, what waits, and what can be done. */
import type { Hold, InstanceWatermarks, LaneReport, Plan, StepWatermark } from '@millrace/core'
import { count, span, table } from './table.ts'

/** A time of records or of the clock, UTC; milliseconds only if there are any. */
export const timeText = (ms: number | null): string =>
  ms === null || Math.abs(ms) > 8.64e15 ? 'none' : new Date(ms).toISOString().replace('.000Z', 'Z')

/** All copies of a pipeline. */
export function watermarksText(plan: Plan, found: readonly InstanceWatermarks[], nowMs: number): string {
  return found.map((each) => instanceText(plan, each, nowMs)).join('\n')
}

function instanceText(plan: Plan, found: InstanceWatermarks, nowMs: number): string {
  const { instance, heldBy, atMs, steps, lanes, otherLanes, before } = found
  const name = instance.n > 1 ? `${plan.name} ${instance.i}/${instance.n}` : plan.name
  const how =
    atMs !== null
      ? `running; this was ${span(Math.max(0, nowMs - atMs))} ago`
      : heldBy === null
        ? 'not running; this is its last save'
        : 'starting; this is its last save'
  const more = otherLanes > 0 ? `and ${count(otherLanes)} more lanes, which are further\n` : ''
  return `${name}: ${how}\n\n${steps
    .map((step) => stepText(plan, step, before, atMs ?? nowMs))
    .join('\n')}\n${lanesText(lanes, atMs ?? nowMs)}${more}`
}

function stepText(plan: Plan, step: StepWatermark, before: InstanceWatermarks['before'], nowMs: number): string {
  const { hold, waiting, watermarkMs } = step
  const last = before?.holds[step.step]
  const advice = adviceOn(last ?? hold, plan)
  const lines = [
    `${step.step}: ${watermarkMs === null ? 'no watermark yet' : `watermark ${timeText(watermarkMs)}`}`,
    `  ${holdText(hold, nowMs)} (${hold.why})`,
    ...(last ? [`  at ${timeText(before!.atMs)}: ${holdText(last, before!.atMs)} (${last.why})`] : []),
    ...(advice === undefined ? [] : [`  ${advice}`]),
  ]
  if (waiting) {
    lines.push(
      waiting.windows === 0
        ? '  no window waits'
        : `  waiting: ${numberOf(waiting.windows, 'window')} with ${numberOf(waiting.records, 'record')}`,
      ...waiting.next.map(
        ({ start, end, firesAt, records }) =>
          `    ${timeText(start)} to ${timeText(end)}, ${numberOf(records, 'record')}: fires at watermark ${timeText(firesAt)}`,
      ),
    )
  }
  return `${lines.join('\n')}\n`
}

const numberOf = (n: number, what: string): string => `${count(n)} ${what}${n === 1 ? '' : 's'}`

const laneText = ({ source, lane }: { readonly source?: string; readonly lane?: string }): string =>
  lane === '' ? `${source}` : `${source}, lane ${lane}`

/** `held by visits, lane 1, for 14 min 2 s: it is quiet, and …` */
export function holdText(hold: Hold, nowMs: number): string {
  if (hold.why === 'all_idle') return 'held by no lane: all are idle or have ended, so it stays where it is'
  if (hold.source === undefined) return 'held by no lane'
  const since = hold.sinceMs === null ? '' : `, for ${span(Math.max(0, nowMs - hold.sinceMs))}`
  const others = hold.others === undefined ? '' : ` and ${numberOf(hold.others, 'other lane')}`
  return `held by ${laneText(hold)}${others}${since}: ${whyText(hold)}`
}

const idleText = ({ idleInMs }: Hold): string =>
  idleInMs === undefined ? '' : `; idle in ${span(idleInMs)} if nothing comes`

function whyText(hold: Hold): string {
  switch (hold.why) {
    case 'no_data':
      return `it has had no record yet${idleText(hold)}`
    case 'not_idle_yet':
      return `it is quiet${idleText(hold)}`
    case 'never_idle':
      return 'it is quiet, and its source has no idle_after'
    case 'reading':
      return 'it is being read, and its records are older than those of the other lanes'
    case 'held_back':
      return `max_skew keeps it from being read further ahead of ${laneText(hold.behind!)}`
    case 'backpressure':
      return `it is not read, because the sink ${hold.sinks!.join(', ')} is slow`
    case 'retrying':
      return 'its source does not answer and is retried'
    case 'follows_clock':
      return 'its event time is the time of arrival, so it follows the clock'
    case 'until_end':
      return 'max_out_of_order is unbounded, so windows fire at the end of the input'
    case 'starting':
      return 'the pipeline has not begun to read'
    default:
      return 'no process runs the pipeline'
  }
}

/** What to do about it; undefined: nothing, or it is plain. */
/** What would let the watermark go on; undefined: nothing that a spec says. */
export function adviceOn({ why, source, idleInMs }: Hold, plan: Plan): string | undefined {
  switch (why) {
    case 'never_idle':
      return `if lanes of ${source} may be quiet for long, set its event_time.idle_after`
    case 'no_data':
      return idleInMs === undefined ? `if a lane of ${source} may stay empty, set its event_time.idle_after` : undefined
    case 'backpressure':
      return 'see docs/debugging.md, a slow run'
    case 'retrying':
      return `pipe doctor ${plan.name} says what is wrong`
    case 'all_idle':
      return 'windows that are still open fire when a lane has newer records'
    case 'not_running':
      return `pipe run ${plan.name}`
    default:
      return undefined
  }
}

function lanesText(lanes: readonly LaneReport[], nowMs: number): string {
  const columns = ['source', 'lane', 'highest event time', 'watermark', 'state', 'since'].map((title) => ({ title }))
  const rows = lanes.map(({ source, lane, highMs, watermarkMs, state, sinceMs }) => [
    source,
    lane,
    highMs === null ? '' : timeText(highMs),
    watermarkMs === null ? '' : timeText(watermarkMs),
    state,
    sinceMs === null ? '' : `${timeText(sinceMs)}, ${span(Math.max(0, nowMs - sinceMs))}`,
  ])
  return lanes.length === 0 ? 'No lane is known yet.\n' : table(columns, rows)
}
