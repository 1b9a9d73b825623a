/** The settings of an SDK client. */
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { type Env, hideSecrets, type Secret } from '@millrace/core'
import type { AwsOptions } from './options.ts'

const reveal = (value: Secret | string): string => (typeof value === 'string' ? value : value.reveal())

/**
 * The settings of every client, before those of its service. Retries are the engine's: the SDK's own would hide an
 * error for too long, and repeat what only the caller knows how to repeat.
 *
 * HTTP/1.1 for all: stand-ins speak no other, and requests are few and large. A request that has not been answered
 * after `answerMs` counts as failed, with an unknown outcome.
 */
export function awsSettings(o: AwsOptions, env: Pick<Env, 'pipeline'>, answerMs = 30_000) {
  const { credentials: key } = o
  const given = key && {
    accessKeyId: reveal(key.access_key_id),
    secretAccessKey: reveal(key.secret_access_key),
    ...(key.session_token === undefined ? {} : { sessionToken: reveal(key.session_token) }),
  }
  if (given) hideSecrets([given.secretAccessKey, ...(given.sessionToken === undefined ? [] : [given.sessionToken])])
  return {
    region: o.region,
    maxAttempts: 1,
    customUserAgent: [['millrace', env.pipeline.replaceAll(/[^\w.-]/g, '_')]] as [string, string][],
    requestHandler: new NodeHttpHandler({
      connectionTimeout: 5000,
      requestTimeout: answerMs,
      throwOnRequestTimeout: true,
      // A source of many shards has a request under way for each of them.
      httpAgent: { maxSockets: 256 },
      httpsAgent: { maxSockets: 256 },
    }),
    ...(o.endpoint === undefined ? {} : { endpoint: o.endpoint }),
    ...(given ? { credentials: given } : {}),
  }
}

/** Where the service is, for messages. */
export const awsPlace = ({ region, endpoint }: AwsOptions): string => endpoint ?? region
