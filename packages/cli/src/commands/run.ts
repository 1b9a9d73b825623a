import { resolve } from 'node:path'
import { type RunPipelinesOptions, run, runPipelines, type Summary } from '@millrace/core'
import { defineCommand, usageError } from '../command.ts'
import { durationOf } from '../duration.ts'
import { oneSpec, specsOf } from '../find-spec.ts'
import type { Io } from '../io.ts'
import { wantsTelemetry } from '../monitor/wants-telemetry.ts'
import { jsonEvents } from '../print/events.ts'
import { type ProgressLine, showProgress } from '../print/progress.ts'
import { summaryJson, summaryText } from '../print/summary.ts'
import { flagsFor, type Opened, openPlans } from '../spec.ts'
import { specFlags } from '../spec-flags.ts'
import { keepYoungGenerationSmall } from '../young-generation.ts'

export default defineCommand({
  name: 'run',
  summary: 'Check specs, then run them. After a crash or a stop, running again resumes from the last checkpoint.',
  details:
    'Ctrl-C or SIGTERM finishes the work in progress and saves; a second one stops at once. Several specs run side by side; downstream pipelines start first.\nExit code 0: done; 1: a run failed; 2: a spec is wrong; 3: the environment is wrong.',
  args: [['[SPEC...]', 'Files or pipeline names; default: the only pipeline of the project.']],
  flags: {
    ...specFlags,
    replace: { type: 'boolean', description: 'Replace the results of an earlier run.' },
    keep: { type: 'boolean', description: 'Keep the results of an earlier run and add to them.' },
    'reset-state': {
      type: 'boolean',
      description: 'Discard the saved state that an edit of the spec makes unusable; `pipe plan` lists it.',
    },
    until: {
      type: 'text',
      value: 'caught_up',
      description: 'Stop a continuing run when its sources reach the end they had at the start.',
    },
    'drain-timeout': {
      type: 'text',
      value: 'DURATION',
      description: 'How long a stop may take to write and save the work in progress; default 18s.',
    },
    instance: {
      type: 'text',
      value: 'I/N',
      description: 'Run as instance I of N instances that share the splits: 0/2.',
    },
    'metrics-port': {
      type: 'text',
      value: '[HOST:]PORT',
      description: 'Serve /metrics, /health/live and /health/ready there while it runs; HOST is 127.0.0.1 by default.',
    },
  },
  examples: [
    ['pipe run pipelines/orders.yaml', 'Run it and print a summary.'],
    ['pipe run orders --set date_format=d/M/yyyy --replace', 'Set a var, and replace the results of an earlier run.'],
    ['pipe run orders --json', 'The summary as JSON.'],
  ],
  async run({ flags, args }, io) {
    if (flags.replace && flags.keep) throw usageError('--replace and --keep cannot be combined.')
    if (flags.until !== undefined && flags.until !== 'caught_up')
      throw usageError(`--until takes caught_up, not \`${flags.until}\`.`)
    const instance = instanceOf(flags.instance)
    const drainTimeout = flags['drain-timeout']
    const drainMs = drainTimeout === undefined ? undefined : durationOf('drain-timeout', drainTimeout)
    const opened = await openPlans(args.length > 1 ? specsOf(args, io) : [oneSpec(args[0], io)], flags, io)
    if (!opened) return 2
    const progress = flags.json ? jsonEvents(io) : showProgress(io)
    const monitor = await watch(opened, flags['metrics-port'], progress, io)
    if (monitor?.url) progress.listens(monitor.url)
    keepYoungGenerationSmall(opened.every(({ plan }) => plan.runs === 'whole'))
    try {
      const summaries = await runAll(opened, flags.until !== undefined, {
        ...opened[0]!.workspace,
        signal: io.stopSignal(flags.json),
        observe(pipeline, event) {
          progress.observe(pipeline, event)
          monitor?.observe(pipeline, event)
        },
        resetState: flags['reset-state'],
        ...(flags.replace ? { existing: 'replace' } : flags.keep ? { existing: 'keep' } : {}),
        ...(instance ? { instance } : {}),
        ...(drainMs === undefined ? {} : { drainMs }),
        worker: async (plan, own) => {
          const { startInThread } = await import('../parallel.ts')
          const { project } = opened.find((each) => each.plan.name === plan.name)!
          return startInThread(resolve(project.root, project.file), flagsFor(flags, project), io, plan, own)
        },
      })
      progress.close()
      const results = summaries.map((summary) => ({
        summary,
        plan: opened.find(({ plan }) => plan.name === summary.pipeline)!.plan,
      }))
      const json = results.map(({ summary, plan }) => summaryJson(summary, plan))
      io.out(
        flags.json
          ? `${JSON.stringify(json.length === 1 ? json[0] : json, undefined, 2)}\n`
          : results.map(({ summary, plan }) => summaryText(summary, plan)).join('\n'),
      )
      return summaries.some((summary) => summary.imbalances.length) ? 1 : 0
    } finally {
      progress.close()
      await monitor?.close()
    }
  },
})

/** Metrics and health, if they are wanted. */
async function watch(opened: readonly Opened[], port: string | undefined, { warn }: ProgressLine, io: Io) {
  if (port === undefined && !wantsTelemetry(io.env)) return undefined
  const { monitorRun } = await import('../monitor/monitor.ts')
  return monitorRun(opened, { port, env: io.env, warn })
}

async function runAll(
  opened: readonly Opened[],
  untilCaughtUp: boolean,
  options: RunPipelinesOptions,
): Promise<Summary[]> {
  const [{ plan, registry }] = opened as readonly [Opened]
  if (opened.length > 1)
    return runPipelines(
      opened.map((each) => each.plan),
      registry,
      { ...options, untilCaughtUp },
    )
  const { observe, ...rest } = options
  return [
    await run(plan, registry, {
      ...rest,
      ...(observe ? { observe: (event) => observe(plan.name, event) } : {}),
      ...(untilCaughtUp ? { until: Promise.resolve() } : {}),
    }),
  ]
}

function instanceOf(text: string | undefined): { i: number; n: number } | undefined {
  if (text === undefined) return undefined
  const [, i, n] = /^(\d{1,4})\/(\d{1,4})$/.exec(text) ?? []
  if (i === undefined || Number(i) >= Number(n))
    throw usageError(`--instance takes I/N with I from 0 to N-1, not \`${text}\`.`)
  return { i: Number(i), n: Number(n) }
}
