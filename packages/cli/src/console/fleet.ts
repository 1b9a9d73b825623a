/** Each pipeline in a sentence: how it is, what it runs for, and how its last runs ended. */
import type { FleetLine, LivePipeline, Mood, Run as RunLine } from '@millrace/console/wire'
import type { Plan } from '@millrace/core'
import type { Accepted } from '../serve/specs.ts'
import { openStates, type Run } from '../serve/run.ts'
import { staysUp } from '../serve/order.ts'

/** Worst first: a browser shows those before others. */
const moods: readonly Mood[] = ['failed', 'troubled', 'running', 'idle']

/** A run as it is sent. */
export function runLine({ incarnation: _, crashes: __, ...run }: Run): RunLine {
  return run
}

/** Those with problems first, then by name. */
export function fleetOf(
  accepted: readonly Accepted[],
  refused: readonly { readonly spec: string; readonly reason: string; readonly served: boolean }[],
  runsOf: (pipeline: string) => readonly Run[],
  live: Readonly<Record<string, LivePipeline>>,
): FleetLine[] {
  const lines = accepted.map(({ name, plan }): FleetLine => {
    const runs = runsOf(name)
    const edit = refused.find(({ spec }) => spec === name)?.reason
    const { mood, sentence } = moodOf(plan, runs, live[name])
    return {
      name,
      description: plan.description,
      when: whenOf(plan),
      delivery: plan.delivery.label,
      refused: edit,
      mood: edit !== undefined && mood !== 'failed' ? 'troubled' : mood,
      sentence,
      runs: runs.map(runLine),
    }
  })
  const never = refused
    .filter(({ served }) => !served)
    .map(({ spec, reason }): FleetLine => {
      const sentence = 'Its spec has errors, so it is not served.'
      return { name: spec, mood: 'failed', sentence, when: '', delivery: 'at-least-once', refused: reason, runs: [] }
    })
  const order = (line: FleetLine) => moods.indexOf(line.mood)
  return [...lines, ...never].sort((a, b) => order(a) - order(b) || a.name.localeCompare(b.name))
}

function whenOf(plan: Plan): string {
  const { schedule } = plan
  if (!schedule) return staysUp(plan) ? 'always' : 'when triggered'
  if ('cron' in schedule.start) return `${schedule.start.cron} (${schedule.start.timezone})`
  return `after ${schedule.start.after.join(' and ')}`
}

function moodOf(
  plan: Plan,
  runs: readonly Run[],
  live: LivePipeline | undefined,
): { readonly mood: Mood; readonly sentence: string } {
  const [trouble] = live?.troubles ?? []
  if (trouble) return { mood: 'troubled', sentence: `${trouble.node} does not answer: ${trouble.message}` }
  const open = runs.find(({ state }) => openStates.includes(state))
  const over = runs.find(({ state }) => state === 'succeeded' || state === 'failed')
  const why = (run: Run) => run.message ?? run.code ?? 'no reason is known'
  if (open?.state === 'retrying') return { mood: 'troubled', sentence: `Run ${open.id} is tried again: ${why(open)}` }
  const [last] = runs
  if (open?.state === 'running') {
    // A failure stays in sight while the next run is under way.
    const before = over?.state === 'failed' ? `, after run ${over.id} failed: ${why(over)}` : ''
    return { mood: before === '' ? 'running' : 'troubled', sentence: `Run ${open.id} is running${before}` }
  }
  if (over?.state === 'failed') return { mood: 'failed', sentence: `Run ${over.id} failed: ${why(over)}` }
  if (open) return { mood: 'idle', sentence: `Run ${open.id} is ${open.state}` }
  if (last?.state === 'cancelled') return { mood: 'idle', sentence: `Run ${last.id} was ended by somebody` }
  if (over) return { mood: 'idle', sentence: `Run ${over.id} succeeded` }
  if (live?.note !== undefined) return { mood: live.isRunning ? 'running' : 'idle', sentence: live.note }
  return { mood: 'idle', sentence: staysUp(plan) ? 'It is starting' : 'It has not run yet' }
}
