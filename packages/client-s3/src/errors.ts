/** What an error of S3 means, beyond what all services of AWS have in common. */
import { hide, type MillraceError, SystemError } from '@millrace/core'
import { awsError, awsErrorName, awsPlace } from '@millrace/client-aws'
import type { S3Options } from './options.ts'

/** S3 was busy with the same key, or bytes were damaged on the way: the same request may succeed. */
const passing = /^(ConditionalRequestConflict|OperationAborted|BadDigest|IncompleteBody|XAmzContentChecksumMismatch)$/
/** The bucket is in another region. */
const elsewhere = /^(PermanentRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraintException)$/

/** A failure of a call as an error of ours. `doing` names the object. */
export function s3Error(error: unknown, doing: string, o: S3Options): MillraceError | SystemError {
  const name = awsErrorName(error)
  const { message, $metadata, $response } = error as {
    readonly message?: string
    readonly $metadata?: { readonly httpStatusCode?: number }
    readonly $response?: { readonly headers?: Readonly<Record<string, string>> }
  }
  const where = `${doing} (${awsPlace(o)})`
  if ($metadata?.httpStatusCode === 301 || elsewhere.test(name)) {
    const region = $response?.headers?.['x-amz-bucket-region']
    return new SystemError(
      'resource_missing',
      hide(`${where}: the bucket ${o.bucket} is in another region${region ? `, ${region}` : ''}`),
      { hint: region ? `region: ${region}` : 'check `region` and the name of the bucket' },
    )
  }
  if (passing.test(name))
    return new SystemError('unavailable', hide(`${where}: ${name}: ${message}`), {
      retry: true,
      hint: 'the service is having trouble, or somebody else writes the same object',
    })
  return (
    awsError(error, doing, o) ??
    new SystemError('refused', hide(`${where}: ${name}: ${message}`), {
      hint: 'check the options: does this service know what was asked of it?',
    })
  )
}
