/**
 * Loads a stage by a job of Glue: at-least-once. The name of the manifest is an argument of the run, by which a run
 * that was started before is found again; only if there is none, or it has failed, another one is started
 * (invariant 5). What a run has loaded before it failed is up to the job.
 */
import { crashPoint, pause, SystemError } from '@millrace/core'
import type { Job, Run } from '@millrace/client-glue/driver'
import type { Options } from './options.ts'
import { manifestOf, type Stage } from './stage.ts'

/** A parameter of a job is given as an argument with two hyphens. */
const argument = (name: string): string => `--${name}`

/** The argument that names the load. */
const manifestArgument = argument('manifest')

/** What a run is told. */
export const argumentsOf = (stage: Stage, o: Options): Record<string, string> => ({
  [manifestArgument]: manifestOf(stage),
  [argument('schema')]: o.schema,
  [argument('table')]: o.table,
  [argument('columns')]: stage.columns.join(','),
  [argument('null_as')]: stage.nothing,
  ...(o.iam_role === undefined ? {} : { [argument('iam_role')]: o.iam_role }),
})

/** Loads a stage, and waits for it. `isFirst`: no attempt was made before, so there is no run to be found. */
export async function loadByJob(job: Job, o: Options, stage: Stage, isFirst: boolean, signal: AbortSignal) {
  const { job: name, poll } = o.glue!
  const manifest = manifestOf(stage)
  const runs = isFirst ? [] : await job.runsWith(manifestArgument, manifest, signal)
  let run: Run | undefined = runs.find(({ state }) => state === 'succeeded') ?? runs.find(isWorking)
  if (!run) {
    const id = await job.start(argumentsOf(stage, o), signal)
    crashPoint('redshift_job_started')
    run = await job.look(id, signal)
  }
  while (isWorking(run)) {
    await pause(poll, signal, `waiting for the run ${run.id} of the job ${name}`)
    run = await job.look(run.id, signal)
  }
  if (run.state === 'failed')
    throw new SystemError('load_failed', `the run ${run.id} of the job ${name} has failed: ${run.message}`, {
      hint: `correct the job, then run again: it is started again for ${manifest}; what the failed run has loaded is up to the job`,
    })
}

const isWorking = ({ state }: Run): boolean => state === 'working'
