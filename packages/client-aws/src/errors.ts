/** What an error of a service or of its SDK means. */
import { hide, innermost, MillraceError, networkError, SystemError } from '@millrace/core'
import type { AwsOptions } from './options.ts'
import { awsPlace } from './settings.ts'

/** The parts of an SDK's error that matter. */
interface ServiceError {
  readonly name?: string
  readonly message?: string
  readonly code?: string
  readonly $metadata?: { readonly httpStatusCode?: number }
  readonly $retryable?: { readonly throttling?: boolean }
}

/**
 * The service's name of an error: `ResourceNotFoundException`; empty: it is not one. A stand-in may put its namespace
 * before it.
 */
export const awsErrorName = (error: unknown): string =>
  error instanceof Error ? (error.name.split('#').at(-1) ?? '') : ''

const noCredentials = /^(CredentialsProviderError|TokenProviderError)$/
const refusedCredentials =
  /^(UnrecognizedClient|InvalidSignature|ExpiredToken|AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch|MissingAuthenticationToken|InvalidClientTokenId|IncompleteSignature|NotAuthorized|OptInRequired|InvalidToken|KMSAccessDenied)(Exception)?$/
const throttled =
  /^(ProvisionedThroughputExceeded|Throttling|ThrottledRequest|LimitExceeded|RequestLimitExceeded|TooManyRequests|RequestThrottled|KMSThrottling|SlowDown|BandwidthLimitExceeded|PriorRequestNotComplete)(Exception)?$/
const missing = /^(ResourceNotFound|NoSuchBucket|NotFound|EntityNotFound)(Exception)?$/

const keyHint =
  'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile (AWS_PROFILE), a role, or `credentials` of the connection'

/** Whether the service asks for fewer requests. */
export const isThrottled = (error: unknown): boolean => {
  const e = error as ServiceError
  return (
    throttled.test(awsErrorName(error)) || e?.$retryable?.throttling === true || e?.$metadata?.httpStatusCode === 429
  )
}

/**
 * A failure that no other request would escape, as an error of ours; undefined: the service refuses this request for
 * what is in it. `doing` is the beginning of the message and names the resource: `writing to the stream events`. A
 * `MillraceError` or `SystemError` is returned unchanged.
 */
export function awsError(error: unknown, doing: string, o: AwsOptions): MillraceError | SystemError | undefined {
  if (error instanceof MillraceError || error instanceof SystemError) return error
  const e = error as ServiceError
  const name = awsErrorName(error)
  const status = e?.$metadata?.httpStatusCode
  const where = `${doing} (${awsPlace(o)})`
  const failed = (code: string, what: string, retry: boolean, hint: string) =>
    new SystemError(code, hide(`${where}: ${what}`), { retry, hint, cause: cleaned(error) })
  const said = `${name}${e?.message ? `: ${e.message}` : ''}`
  if (noCredentials.test(name)) return failed('unauthorized', 'there are no credentials of AWS', false, keyHint)
  if (name === 'RequestTimeTooSkewed' || (name.startsWith('InvalidSignature') && /expired|not yet/i.test(said)))
    return failed('unauthorized', said, false, 'the clock of this machine is wrong')
  if (isThrottled(error))
    return failed('throttled', `too many requests: ${said}`, true, 'raise its capacity, or have fewer readers')
  if (refusedCredentials.test(name) || status === 401 || status === 403)
    return failed('unauthorized', said, false, 'check the key, and the permissions of its user or role')
  if (missing.test(name))
    return failed('resource_missing', said, false, 'check its name and the region, and the account of the key')
  if (status === undefined || name === 'TimeoutError') return unreachable(error, where, failed)
  if (status >= 500 || name === 'RequestTimeout')
    return failed('unavailable', said, true, 'the service is having trouble')
  return undefined
}

function unreachable(
  error: unknown,
  where: string,
  failed: (code: string, what: string, retry: boolean, hint: string) => SystemError,
): SystemError {
  const network = networkError(error, where, 'name the authority that signed it in NODE_EXTRA_CA_CERTS')
  if (network)
    return network.code === 'unknown_host'
      ? failed(network.code, 'there is no such host', true, 'check the spelling of `region` or `endpoint`')
      : network
  const what = innermost(error)
  // The SDK names a connection that was cut the same as an answer that is late.
  const { code = '' } = error as ServiceError
  return awsErrorName(error) === 'TimeoutError' && !/^(ECONNRESET|EPIPE)$/.test(code)
    ? failed('no_answer', what, true, 'can it be reached from here, and is `region` or `endpoint` right?')
    : failed(
        'unavailable',
        `it cannot be reached: ${what}`,
        true,
        'is `region` or `endpoint` right, and the network up?',
      )
}

/** An error that may be kept as a cause: the SDK's own has the request, with its signature. */
const cleaned = (error: unknown): Error =>
  Object.assign(new Error(hide(error instanceof Error ? error.message : String(error))), { name: awsErrorName(error) })
