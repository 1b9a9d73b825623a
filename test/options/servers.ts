/**
 * Options that only a real server can show: here the tests check how a client is configured, the live tests do the
 * rest.
 */
import { type Env, Secret } from '../../packages/core/src/index.ts'
import { kafkaConnection, makeTopic } from '../../packages/client-kafka/src/index.ts'
import { createSending } from '../../packages/sink-kafka/src/sending.ts'
import { clientOptions } from '../../packages/client-mongodb/src/driver.ts'
import { deletes, type Entry, type Pair } from './entry.ts'

type Config = Readonly<Record<string, unknown>>

const env: Env = { root: '/', home: '/', profile: 'local', pipeline: 'p', id: 'x', resolve: (path) => path }
const here = import.meta.filename

/** What a Kafka client is created with. */
const connected = (b: Config, a: Config = {}): Pair<Config> => ({
  a,
  b,
  see: (config) =>
    JSON.stringify(
      kafkaConnection({ stream: 's', brokers: ['one:1'], tls: undefined, sasl: undefined, ...config } as never, env),
    ),
})
const tls = { ca: undefined, reject_unauthorized: true }
const sasl = { mechanism: 'PLAIN', username: 'u', password: new Secret('p') }

/** What the brokers are asked to create. */
const made = (b: Config): Pair<Config> => ({
  a: {},
  b,
  async see(config) {
    let asked: unknown
    const admin = {
      createTopics: async (request: unknown) => (asked = request),
      metadata: async () => ({ topics: new Map([['s', { partitions: [{ leader: 1 }] }]]) }),
    }
    await makeTopic(admin, 's', { partitions: 1, replicas: 1, config: {}, ...config })
    return asked
  },
})

/** How many sends start before the first is acknowledged. */
async function begun(inFlight: number): Promise<number> {
  let sends = 0
  const client = { send: () => (sends++, new Promise<void>(() => {})), renew: async () => {} }
  const sending = createSending(client, inFlight, { halved() {}, tooLarge() {} })
  const stop = new AbortController()
  const all = Array.from({ length: 5 }, () => sending.send([], stop.signal).catch(() => {}))
  await new Promise((resolve) => setImmediate(resolve))
  stop.abort()
  await Promise.all(all)
  return sends
}

const live = (test: string, file = 'source-kafka/test/kafka.live.test.ts'): Entry => ({
  file: `packages/${file}`,
  test,
})

const cluster = (kind: string): Record<string, Entry> => ({
  [`${kind} kafka brokers`]: connected({ brokers: ['two:2'] }),
  [`${kind} kafka tls`]: connected({ tls }),
  [`${kind} kafka tls.ca`]: connected({ tls: { ...tls, ca: here } }, { tls }),
  [`${kind} kafka tls.reject_unauthorized`]: connected({ tls: { ...tls, reject_unauthorized: false } }, { tls }),
  [`${kind} kafka sasl`]: connected({ sasl }),
  [`${kind} kafka sasl.mechanism`]: connected({ sasl: { ...sasl, mechanism: 'SCRAM-SHA-256' } }, { sasl }),
  [`${kind} kafka sasl.username`]: connected({ sasl: { ...sasl, username: 'v' } }, { sasl }),
  [`${kind} kafka sasl.password`]: connected({ sasl: { ...sasl, password: new Secret('q') } }, { sasl }),
  [`${kind} kafka create`]: live(
    'makes a topic that is not there where it may, so that it can be started before the writer',
  ),
  [`${kind} kafka create.partitions`]: made({ partitions: 3 }),
  [`${kind} kafka create.replicas`]: made({ replicas: 3 }),
  [`${kind} kafka create.config`]: made({ config: { 'cleanup.policy': 'compact' } }),
  [`${kind} kafka create.config.*`]: made({ config: { 'cleanup.policy': 'compact' } }),
})

/** What a MongoDB client is created with. */
const mongodb = (kind: 'source' | 'sink'): Record<string, Entry> => {
  const made = (b: Config, a: Config = {}): Pair<Config> => ({
    a,
    b,
    see: (config) =>
      JSON.stringify(
        clientOptions(
          {
            url: 'mongodb://one/',
            database: 'd',
            username: undefined,
            password: undefined,
            tls: undefined,
            ...config,
          } as never,
          env,
        ),
      ),
  })
  const login = { username: 'u', password: new Secret('p') }
  const certificates = { ...tls, certificate: undefined }
  const file =
    kind === 'source' ? 'source-mongodb/test/mongodb.live.test.ts' : 'sink-mongodb/test/documents.live.test.ts'
  const test =
    kind === 'source'
      ? 'that is empty ends at once; one that is not there says what is'
      : 'are stored under the record id, or the key as text'
  return {
    [`${kind} mongodb url`]: live(
      kind === 'source'
        ? 'stops within a second while the server is silent'
        : 'a server that is down at the start is named, and can be retried',
      kind === 'source' ? file : 'sink-mongodb/test/faults.live.test.ts',
    ),
    [`${kind} mongodb database`]: live(test, file),
    [`${kind} mongodb collection`]: live(test, file),
    [`${kind} mongodb username`]: made({ ...login, username: 'v' }, login),
    [`${kind} mongodb password`]: made({ ...login, password: new Secret('q') }, login),
    [`${kind} mongodb tls`]: made({ tls: certificates }),
    [`${kind} mongodb tls.ca`]: made({ tls: { ...certificates, ca: '/ca' } }, { tls: certificates }),
    [`${kind} mongodb tls.certificate`]: made({ tls: { ...certificates, certificate: '/own' } }, { tls: certificates }),
    [`${kind} mongodb tls.reject_unauthorized`]: made(
      { tls: { ...certificates, reject_unauthorized: false } },
      { tls: certificates },
    ),
  }
}
const documents = (test: string) => live(test, 'sink-mongodb/test/documents.live.test.ts')

export const servers: Readonly<Record<string, Entry>> = {
  ...cluster('source'),
  ...cluster('sink'),
  'source kafka max_wait': live(
    'gives each record once when answers to fetches are lost or the network is gone for a while',
    'source-kafka/test/faults.live.test.ts',
  ),
  'sink kafka key': live(
    'names the records without a key where the topic is compacted',
    'sink-kafka/test/kafka.live.test.ts',
  ),
  'sink kafka compression': live(
    'lets the broker decide on a message that may fit when it is compressed',
    'sink-kafka/test/kafka.live.test.ts',
  ),
  'sink kafka in_flight': { a: 4, b: 2, see: begun },
  'sink kafka max_message': live('names a value that is too large as a bad record and writes the others'),
  ...mongodb('source'),
  ...mongodb('sink'),
  'sink mongodb write': documents('delete removes documents by key, twice is harmless'),
  'sink mongodb key': documents('are stored under the record id, or the key as text'),
  'sink mongodb id_type': live(
    'that are read and written back by their ids stay the same documents: %s',
    'sink-mongodb/test/ids.live.test.ts',
  ),
  'sink mongodb fields': documents('set merges named fields; an attribute may have any name'),
  'sink mongodb attribute': documents('set merges named fields; an attribute may have any name'),
  'sink mongodb attribute.name': documents('set merges named fields; an attribute may have any name'),
  'sink mongodb attribute.value': documents('set merges named fields; an attribute may have any name'),
  'sink mongodb indexes': documents('collection and indexes are made at the start, again is harmless'),
  'sink mongodb on_null': deletes,
  'sink mongodb nulls': documents('are stored under the record id, or the key as text'),
  'sink mongodb collection_options': documents('collection and indexes are made at the start, again is harmless'),
  'sink mongodb collection_options.*': documents('collection and indexes are made at the start, again is harmless'),
}
