/** The only file that uses the driver: connections, the meaning of its errors, and how documents are serialised. */
import { BSON, MongoBulkWriteError, MongoClient, type MongoClientOptions, MongoError, MongoServerError } from 'mongodb'
import { type Env, hide, hideSecrets, networkError, SystemError, unlessAborted } from '@millrace/core'
import { silentMs } from './answer.ts'
import type { MongodbOptions } from './options.ts'

export { answered, NeverEnding } from './answer.ts'

export {
  type AnyBulkWriteOperation,
  Binary,
  type Collection,
  type Db,
  Decimal128,
  type Document,
  type Filter,
  MongoBulkWriteError,
  type MongoClient,
  ObjectId,
  UUID,
} from 'mongodb'

const reveal = (value: MongodbOptions['url']): string => (typeof value === 'string' ? value : value.reveal())

/** The settings of a client, in addition to the address. */
export const clientOptions = (o: MongodbOptions, env: Env): MongoClientOptions => ({
  appName: `millrace ${env.pipeline}`.slice(0, 128),
  serverSelectionTimeoutMS: 5000,
  connectTimeoutMS: 5000,
  socketTimeoutMS: silentMs,
  writeConcern: { w: 'majority', journal: true, wtimeoutMS: 30_000 },
  readConcern: { level: 'majority' },
  useBigInt64: true,
  ...(o.username === undefined ? {} : { auth: { username: o.username, password: reveal(o.password!) } }),
  ...(o.tls ? tlsOptions(o.tls, env) : {}),
})

/** Creates the client and connects. Acknowledged writes are on the disks of a majority. Throws `SystemError`. */
export async function connect(o: MongodbOptions, env: Env, signal: AbortSignal): Promise<MongoClient> {
  let client: MongoClient | undefined
  try {
    client = new MongoClient(reveal(o.url), clientOptions(o, env))
    await unlessAborted(client.connect(), signal, 'connecting to MongoDB')
    return client
  } catch (error) {
    if (client) await disconnect(client)
    throw (
      systemError(error, o) ??
      new SystemError('bad_connection', scrubbed(error, o), {
        hint: 'check `url` and `tls` of the connection; in a name or password write `/` as %2F, `@` as %40, `:` as %3A',
        cause: cleaned(error, o),
      })
    )
  }
}

/**
 * Closes the client. With an unresponsive server the driver's shutdown takes many seconds, so it continues in the
 * background.
 */
export async function disconnect(client: MongoClient): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const enough = new Promise<void>((resolve) => (timer = setTimeout(resolve, 300)))
  await Promise.race([client.close().catch(() => {}), enough])
  clearTimeout(timer)
}

function tlsOptions(tls: NonNullable<MongodbOptions['tls']>, env: Env) {
  return {
    tls: true,
    ...(tls.ca === undefined ? {} : { tlsCAFile: env.resolve(tls.ca) }),
    ...(tls.certificate === undefined ? {} : { tlsCertificateKeyFile: env.resolve(tls.certificate) }),
    ...(tls.reject_unauthorized ? {} : { tlsAllowInvalidCertificates: true }),
  }
}

// Transient errors: elections, shutdowns, time limits, broken connections. github.com/mongodb/mongo,
// src/mongo/base/error_codes.yml
const passing = new Set([
  6, 7, 24, 50, 64, 89, 91, 112, 134, 189, 202, 262, 317, 358, 384, 9001, 10_107, 11_600, 11_602, 13_388, 13_435,
  13_436,
])
const unauthorized = new Set([11, 13, 18, 8000])

// Errors about the document: its names, values, nesting and size, rules and indexes of the collection. Any other code
// counts as a failure of the server.
const aboutDocument = new Set([
  2, 9, 10, 14, 15, 16, 22, 28, 40, 52, 53, 54, 55, 56, 57, 66, 121, 171, 10_334, 11_000, 16_755, 16_804, 17_280,
  17_419, 17_420,
])

/** Whether a server's error code is about the document, not about the server. */
export const isAboutDocument = (code: unknown): boolean => aboutDocument.has(Number(code))

/** The error of a whole bulk write: it wraps the error of the connection or the server. */
function unwrapped(error: unknown): unknown {
  return error instanceof MongoBulkWriteError && error.errorResponse instanceof Error ? error.errorResponse : error
}

/** Whether the server or the driver refuses its input because of a document in it. */
export function isRefusal(wrapped: unknown): boolean {
  const error = unwrapped(wrapped)
  if (error instanceof MongoServerError) return isAboutDocument(error.code)
  return (
    error instanceof RangeError ||
    (error instanceof Error &&
      ['BSONError', 'BSONRuntimeError', 'BSONVersionError', 'MongoInvalidArgumentError'].includes(error.name))
  )
}

/** The size of a document as BSON, without its key. */
export const sizeOf = (document: object): number => BSON.calculateObjectSize(document as BSON.Document)

/** A failure of the external system, without secrets; undefined: the server or the driver refuses its input. */
export function systemError(wrapped: unknown, o: MongodbOptions): SystemError | undefined {
  const error = unwrapped(wrapped)
  if (error instanceof SystemError) return error
  const message = scrubbed(error, o)
  const made = (code: string, text: string, retry: boolean, hint?: string) =>
    new SystemError(code, text, { retry, hint, cause: cleaned(error, o) })
  const unavailable = () =>
    made(
      'unavailable',
      `MongoDB cannot be reached: ${message}`,
      true,
      'check that the servers of `url` run and can be reached from here',
    )
  const network = networkError(error, 'MongoDB cannot be reached', 'name the authority that signed it in `tls.ca`')
  if (network) return made(network.code, hide(network.message), network.retry, network.hint)
  // A socket's own error, which the driver does not always wrap.
  if (error instanceof Error && 'syscall' in error && !('path' in error)) return unavailable()
  if (!(error instanceof MongoError)) return undefined
  const code = error instanceof MongoServerError ? Number(error.code) : Number.NaN
  if (unauthorized.has(code) || /auth(entication)? failed/i.test(message))
    return made(
      'unauthorized',
      `MongoDB refuses the login or the command: ${message}`,
      false,
      'check name, password and the roles of the user',
    )
  if (/certificate|\bTLS\b|\bSSL\b|ssl3_|tlsv1/i.test(message) && error.name !== 'MongoServerError')
    return made(
      'tls_failed',
      `no encrypted connection to MongoDB: ${message}`,
      false,
      'check `tls` of the connection and the certificates',
    )
  if (error.name === 'MongoWriteConcernError')
    return made('unknown_outcome', `MongoDB did not confirm that a majority has the write: ${message}`, true)
  const isDrivers = !(error instanceof MongoServerError) && passingDriverErrors.has(error.name)
  if (
    isDrivers ||
    passing.has(code) ||
    error.hasErrorLabel('RetryableWriteError') ||
    error.hasErrorLabel('RetryableError')
  )
    return unavailable()
  return undefined
}

const passingDriverErrors = new Set([
  'MongoNetworkError',
  'MongoNetworkTimeoutError',
  'MongoServerSelectionError',
  'MongoPoolClearedError',
  'MongoPoolClearedOnNetworkError',
  'MongoWaitQueueTimeoutError',
  'MongoTopologyClosedError',
  'MongoServerClosedError',
  'MongoOperationTimeoutError',
  'MongoStalePrimaryError',
])

/** The error's message without url and password. */
export function scrubbed(error: unknown, o: MongodbOptions): string {
  hideSecrets([reveal(o.url), ...(o.password === undefined ? [] : [reveal(o.password)])])
  return hide(error instanceof Error ? error.message : String(error))
}

/** An error that may be kept as a cause: the driver's own has options, including the password. */
const cleaned = (error: unknown, o: MongodbOptions): Error =>
  Object.assign(new Error(scrubbed(error, o)), { name: error instanceof Error ? error.name : 'Error' })

/** A document as JSON text that keeps every type, and back to the driver's values. */
export const toExtendedJson = (value: unknown): string => BSON.EJSON.stringify(value, { relaxed: false })
export const fromExtendedJson = (text: string): unknown => BSON.EJSON.parse(text, { relaxed: false, useBigInt64: true })
