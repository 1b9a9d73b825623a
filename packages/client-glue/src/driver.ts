/**
 * The only file that uses the SDK: runs of one job. The SDK makes one attempt: a repeated StartJobRun would start a
 * second run, so only the caller, who knows how to find the first, may repeat it.
 */
import { type Env, SystemError, unlessAborted } from '@millrace/core'
import { awsError, awsErrorName, type AwsOptions, awsSettings } from '@millrace/client-aws'
import { GetJobRunCommand, GetJobRunsCommand, GlueClient, type JobRun, StartJobRunCommand } from '@aws-sdk/client-glue'

/** A run of a job: whether it works still, has succeeded, or how it has failed. */
export interface Run {
  readonly id: string
  readonly state: 'working' | 'succeeded' | 'failed'
  /** Why it failed, as Glue says it; else its state. */
  readonly message: string
}

/** Calls on one job. Each rejects as soon as the signal aborts, and throws a `SystemError`. */
export interface Job {
  /** Starts a run and returns its id. */
  start(args: Readonly<Record<string, string>>, signal: AbortSignal): Promise<string>
  /** The runs that were started with this value of an argument, the newest first. */
  runsWith(argument: string, value: string, signal: AbortSignal): Promise<readonly Run[]>
  look(id: string, signal: AbortSignal): Promise<Run>
  /** Throws if there is no such job, or it cannot be reached. */
  probe(signal: AbortSignal): Promise<void>
  close(): void
}

/** Glue's web API reference, "JobRun": the states in which a run is over. */
const failed = new Set(['STOPPED', 'FAILED', 'ERROR', 'TIMEOUT', 'EXPIRED'])

function runOf({ Id = '', JobRunState, ErrorMessage }: JobRun): Run {
  const said: string = JobRunState ?? ''
  const state = said === 'SUCCEEDED' ? 'succeeded' : failed.has(said) ? 'failed' : 'working'
  return { id: Id, state, message: ErrorMessage ?? said }
}

/** Nothing is sent before the first call. */
export function openJob(o: AwsOptions, JobName: string, env: Pick<Env, 'pipeline'>): Job {
  const client = new GlueClient(awsSettings(o, env))
  const call = async <T>(doing: string, signal: AbortSignal, work: Promise<T>): Promise<T> => {
    try {
      return await unlessAborted(work, signal, doing)
    } catch (error) {
      throw glueError(error, `${doing} of the job ${JobName}`, o)
    }
  }
  return {
    async start(Arguments, abortSignal) {
      const command = new StartJobRunCommand({ JobName, Arguments: { ...Arguments } })
      const { JobRunId } = await call('starting a run', abortSignal, client.send(command, { abortSignal }))
      return JobRunId!
    },
    async runsWith(argument, value, abortSignal) {
      const found: JobRun[] = []
      let NextToken: string | undefined
      do {
        const command = new GetJobRunsCommand({ JobName, MaxResults: 200, NextToken })
        const page = await call('listing the runs', abortSignal, client.send(command, { abortSignal }))
        found.push(...(page.JobRuns ?? []).filter(({ Arguments }) => Arguments?.[argument] === value))
        NextToken = page.NextToken
      } while (NextToken)
      return found.toSorted((a, b) => Number(b.StartedOn ?? 0) - Number(a.StartedOn ?? 0)).map(runOf)
    },
    async look(RunId, abortSignal) {
      const command = new GetJobRunCommand({ JobName, RunId })
      const { JobRun } = await call('looking at a run', abortSignal, client.send(command, { abortSignal }))
      return runOf(JobRun ?? {})
    },
    async probe(abortSignal) {
      const command = new GetJobRunsCommand({ JobName, MaxResults: 1 })
      await call('listing the runs', abortSignal, client.send(command, { abortSignal }))
    },
    close: () => client.destroy(),
  }
}

/** Too many runs of the job work at once. */
const busy = /^(ConcurrentRunsExceeded|ConcurrentModification|ResourceNumberLimitExceeded)(Exception)?$/

function glueError(error: unknown, doing: string, o: AwsOptions): Error {
  const name = awsErrorName(error)
  const said = error instanceof Error ? error.message : String(error)
  if (busy.test(name))
    return new SystemError('throttled', `${doing}: ${name}: ${said}`, {
      retry: true,
      hint: 'raise the number of concurrent runs of the job, or load less often: `roll`',
    })
  return (
    awsError(error, doing, o) ??
    new SystemError('refused', `${doing}: ${name}: ${said}`, { hint: 'check the job and its arguments' })
  )
}
