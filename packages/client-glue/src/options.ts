/** Which job of Glue is started, and how its end is waited for. */
import { option, type Problem } from '@millrace/core'
import { awsProblems, type AwsOptions } from '@millrace/client-aws'

/** Options of a sink that starts a job. Region and credentials are those of its bucket. */
export const glueOptions = {
  job: option.text('The name of the job.', { minLength: 1, example: 'batch-etl-job' }),
  endpoint: option.optional(
    option.text('The address of another service that speaks the same protocol. Default: the region’s own.', {
      tuning: true,
      example: 'http://127.0.0.1:4567',
    }),
  ),
  poll: option.duration('How often a run is looked at while it works.', { tuning: true, default: '5s' }),
}

/** The resolved options. */
export interface GlueOptions {
  readonly job: string
  readonly endpoint?: string | undefined
  /** ms */
  readonly poll: number
}

/** Problems that are known without connecting: Glue's web API reference, "StartJobRun". */
export function glueProblems({ job, endpoint }: GlueOptions, aws: AwsOptions): Problem[] {
  const found = awsProblems({ region: aws.region, endpoint }).filter(({ at }) => at[0] === 'endpoint')
  // oxlint-disable-next-line no-control-regex
  if (job.length > 255 || /[\u0000-\u001f]/.test(job))
    found.push({
      code: 'bad_value',
      at: ['job'],
      message: 'the name of a job has at most 255 characters, and no control characters',
    })
  return found
}
