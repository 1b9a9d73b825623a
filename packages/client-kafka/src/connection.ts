/**
 * Shared by the Kafka source and sink: how a cluster is configured and logged in to, and what its errors mean. No
 * client library.
 */
import { readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import {
  type Env,
  innermost,
  MillraceError,
  networkError,
  option,
  type Secret,
  SystemError,
  wordsOf,
} from '@millrace/core'

/** Options that source and sink share. */
export const kafkaOptions = {
  brokers: option.list(option.text('host:port'), 'Brokers to discover the cluster from.', {
    min: 1,
    example: ['127.0.0.1:9092'],
  }),
  tls: option.optional(
    option.object(
      {
        ca: option.optional(option.path('The certificates to trust, PEM.')),
        reject_unauthorized: option.boolean('Refuse a certificate that cannot be verified.', { default: true }),
      },
      'Encrypt the connections.',
      { tuning: true },
    ),
  ),
  sasl: option.optional(
    option.object(
      {
        mechanism: option.oneOf(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'], 'How to log in.', {
          default: 'SCRAM-SHA-512',
        }),
        username: option.text('The user.'),
        password: option.secret('The password.', { example: '${secret:kafka_password}' }),
      },
      'Log in.',
      { tuning: true },
    ),
  ),
  create: option.optional(
    option.object(
      {
        partitions: option.integer('Partitions of the topic.', { default: 1, min: 1 }),
        replicas: option.integer('Replicas of each partition.', { default: 1, min: 1 }),
        config: option.map(option.text('A value.'), 'Settings of the topic.', { default: {} }),
      },
      'Create the topic if it does not exist. A source creates it too, so that it can be started before the writers.',
      { tuning: true },
    ),
  ),
}

/** How a topic is created. */
export interface NewTopic {
  readonly partitions: number
  readonly replicas: number
  readonly config: Readonly<Record<string, string>>
}

/** The arguments for a client's admin to create a topic. */
interface TopicRequest {
  readonly topics: string[]
  readonly partitions: number
  readonly replicas: number
  readonly configs: { readonly name: string; readonly value: string }[]
}

/** The part of a client's admin that creates topics. */
interface TopicMaker {
  createTopics(request: TopicRequest): Promise<unknown>
  metadata(request: {
    topics: string[]
    forceUpdate: boolean
  }): Promise<{ topics: Map<string, { partitions: readonly { leader: number }[] }> }>
}

/** Creates a topic unless it exists, and waits a while until the brokers know it and its partition leaders. */
export async function makeTopic(admin: TopicMaker, topic: string, as: NewTopic, signal?: AbortSignal): Promise<void> {
  const configs = Object.entries(as.config).map(([name, value]) => ({ name, value }))
  try {
    await admin.createTopics({ topics: [topic], partitions: as.partitions, replicas: as.replicas, configs })
  } catch (error) {
    if (!kafkaCodes(error).has('TOPIC_ALREADY_EXISTS')) throw error
  }
  for (let n = 0; n < 50 && !signal?.aborted; n++) {
    const found = await admin.metadata({ topics: [topic], forceUpdate: true }).then(
      ({ topics }) => topics.get(topic),
      () => undefined,
    )
    if (found?.partitions.every(({ leader }) => leader >= 0)) return
    await wait(100)
  }
}

/** A topic, and its cluster. */
export interface TopicPlace {
  readonly stream: string
  readonly brokers: readonly string[]
  readonly tls: { readonly ca: string | undefined; readonly reject_unauthorized: boolean } | undefined
  readonly sasl: { readonly mechanism: string; readonly username: string; readonly password: Secret } | undefined
  readonly create?: NewTopic | undefined
}

/**
 * The settings of every client of the cluster. Retries are the engine's: the client's own would hide an error for too
 * long.
 */
export function kafkaConnection(o: TopicPlace, env: Env) {
  return {
    clientId: `millrace-${env.pipeline}`,
    bootstrapBrokers: [...o.brokers],
    retries: 0,
    timeout: 10_000,
    connectTimeout: 5000,
    ...(o.tls
      ? {
          tls: {
            rejectUnauthorized: o.tls.reject_unauthorized,
            ...(o.tls.ca ? { ca: readFileSync(env.resolve(o.tls.ca)) } : {}),
          },
        }
      : {}),
    ...(o.sasl
      ? {
          sasl: {
            mechanism: o.sasl.mechanism as 'PLAIN',
            username: o.sasl.username,
            password: o.sasl.password.reveal(),
          },
        }
      : {}),
  }
}

/**
 * For about a second, not every broker knows what was just created, and a group has no coordinator: for that long the
 * admin client retries by itself.
 */
export const adminRetries = { retries: 5, retryDelay: 200 }

/** The codes in an error, which the client nests in `errors`, `cause` and `response`. */
export function kafkaCodes(error: unknown, found = new Set<string>()): Set<string> {
  if (typeof error !== 'object' || error === null) return found
  const e = error as {
    apiId?: string
    code?: string
    message?: string
    errors?: unknown[]
    cause?: unknown
    response?: { errors?: object }
  }
  if (e.apiId) found.add(e.apiId)
  if (e.code) found.add(e.code)
  // The client reports this one only in its message.
  if (e.message?.startsWith('Unknown topic')) found.add('UNKNOWN_TOPIC_OR_PARTITION')
  for (const inner of e.errors ?? []) kafkaCodes(inner, found)
  for (const inner of Object.values(e.response?.errors ?? {})) kafkaCodes(inner, found)
  kafkaCodes(e.cause, found)
  return found
}

/** The brokers do not know the topic. */
export const isUnknownTopic = (error: unknown): boolean =>
  ['UNKNOWN_TOPIC_OR_PARTITION', 'UNKNOWN_TOPIC_ID', 'unknown_topic'].some((code) => kafkaCodes(error).has(code))

/** What `pipe doctor` says of a topic that is not there, if `create` makes it; throws the error otherwise. */
export function willBeMade(error: unknown, o: TopicPlace): string {
  if (!o.create || !isUnknownTopic(error)) throw error
  const { partitions, replicas } = o.create
  const copies = replicas > 1 ? ` of ${replicas} replicas` : ''
  return `topic ${o.stream} does not exist; it will be made with ${partitions} partition${partitions === 1 ? '' : 's'}${copies}`
}

/** Errors that waiting cannot fix, with hints. */
const lasting: Readonly<Record<string, string>> = {
  TOPIC_AUTHORIZATION_FAILED: 'give the user permissions for the topic',
  GROUP_AUTHORIZATION_FAILED: 'give the user permission to set the offsets of the group, or remove `report_group`',
  CLUSTER_AUTHORIZATION_FAILED: 'give the user the permission IdempotentWrite',
  INVALID_TOPIC_EXCEPTION: 'a topic name has letters, digits, `.`, `_` and `-` only',
  INVALID_REPLICATION_FACTOR: 'there are fewer brokers than `create.replicas`',
  INVALID_RECORD:
    'the brokers refuse a record: a compacted topic takes none without a key, so set `key`; is the topic’s configuration as expected?',
  MESSAGE_TOO_LARGE:
    'the limit of the topic was lowered during the run: run again, and the record is reported as too large',
}

/** Why a login failed, with hints. */
const logins: Readonly<Record<string, string>> = {
  SASL_AUTHENTICATION_FAILED: 'check `sasl`: mechanism, username, password',
  UNSUPPORTED_SASL_MECHANISM: 'the brokers do not offer this `sasl.mechanism`',
  ILLEGAL_SASL_STATE: 'the brokers expect no login at this port: remove `sasl`, or use the port that does',
}

/** What the client only says in words: the other side does not speak TLS where we do, or the reverse. */
const tlsWords: readonly (readonly [words: RegExp, hint: string])[] = [
  [/requires TLS/, 'the brokers expect TLS at this port: set `tls`'],
  [/TLS handshake failed/, 'the brokers do not speak TLS at this port: remove `tls`, or use the port that does'],
  [/suitable SASL mechanism/, 'nothing understandable came back: do the brokers expect TLS at this port? set `tls`'],
]

/**
 * A client's error as one of ours; a `MillraceError` is returned unchanged. `exists`: the topic exists, or is new and
 * not known to every broker yet.
 */
export function kafkaError(error: unknown, doing: string, o: TopicPlace, exists = o.create !== undefined): Error {
  if (error instanceof MillraceError) return error
  const codes = [...kafkaCodes(error)]
  const where = `${doing} (topic ${o.stream}, brokers ${o.brokers.join(', ')})`
  const login = codes.find((code) => logins[code])
  if (login)
    return new SystemError('unauthorized', `${where}: ${login}, ${innermost(error)}`, {
      hint: logins[login],
      cause: error,
    })
  const network = networkError(error, where, 'name the file with the authority that signed it in `tls.ca`')
  if (network) return network
  const words = wordsOf(error)
  const tls = tlsWords.find(([pattern]) => pattern.test(words))
  // A broker that ends during the handshake looks the same.
  if (tls)
    return new SystemError('tls_failed', `${where}: ${innermost(error)}`, { retry: true, hint: tls[1], cause: error })
  if (isUnknownTopic(error))
    return new SystemError('unknown_topic', `${where}: the topic does not exist`, {
      retry: exists,
      hint: exists
        ? 'it was deleted, or not every broker knows it yet: with `create`, a sink makes it again'
        : 'create the topic, or let the pipeline create it with `create`',
      cause: error,
    })
  const known = codes.find((code) => lasting[code])
  const what = known ?? (codes.filter((code) => !code.startsWith('PLT_')).join(', ') || innermost(error))
  return new SystemError(known ? 'kafka_refused' : 'kafka_unavailable', `${where}: ${what}`, {
    retry: !known,
    hint: known
      ? lasting[known]
      : /connection closed/i.test(words)
        ? 'the port closes the connection: is it a broker’s, and does it expect a login (`sasl`)?'
        : 'are the brokers running, and the addresses of the connection in the profile right?',
    cause: error,
  })
}

/** Longer than any request takes within all of the client's own limits. */
export const answerMs = 30_000
/** A client that is being closed has nothing left to do. */
export const closeMs = 5_000

/**
 * The client's promise, with a time limit: one that never settles would silently hang the run. A late one counts as
 * failed with an unknown outcome, as after a broken connection.
 */
export async function settled<T>(promise: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms / 1000} s`)), ms)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
