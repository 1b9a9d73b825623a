/**
 * Apache Kafka 4.1.0 from its Maven jars: one process that is broker and controller. The jars are pinned by one hash
 * over all of them; Maven itself only compares them with what the repository says.
 */
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Admin } from '@platformatic/kafka'
import type { Place, Server } from '../server.ts'
import { folderHash, tool } from '../tools.ts'

const jars = '103807f89bea73322d40120ce6b2eaca999982ee5a5d0fee15f369665b6a617b'
const clusterId = 'TWlsbHJhY2VUZXN0Q2x1cw'
const java = 'install a JDK of version 17 or newer'
const scram = ['SCRAM-SHA-256', 'SCRAM-SHA-512']
const libOf = (place: Place): string => join(place.cache, 'kafka-4.1.0')

/** Listeners in addition to the plain one, for tests with their own broker. */
export interface MoreListeners {
  /** A plain listener whose clients are told a different port: that of a proxy in front of it. */
  readonly via?: { readonly port: number; readonly advertised: number }
  /**
   * A listener with TLS and a login by PLAIN or SCRAM. `keystore` is a PKCS12 file; it and the user have the same
   * password.
   */
  readonly secure?: {
    readonly port: number
    readonly keystore: string
    readonly user: string
    readonly password: string
  }
}

/** A broker with these listeners. */
export const brokerWith = (more: MoreListeners): Server => ({
  name: 'kafka',
  ports: 2,

  async get(place) {
    const lib = libOf(place)
    if (existsSync(lib)) return
    const part = `${lib}.part`
    rmSync(part, { recursive: true, force: true })
    const copy = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies'
    const pom = join(import.meta.dirname, 'pom.xml')
    await tool(
      'mvn',
      ['-q', '-B', '-f', pom, copy, `-DoutputDirectory=${part}`, '-DincludeScope=runtime'],
      'install Maven 3.6 or newer',
    )
    const found = folderHash(part)
    if (found !== jars)
      throw new Error(
        `the jars of Kafka are not those that are pinned: sha256 ${found}, not ${jars}; look into ${part}`,
      )
    renameSync(part, lib)
  },

  async prepare(place) {
    mkdirSync(place.run, { recursive: true })
    writeFileSync(join(place.run, 'server.properties'), properties(place, more))
    if (existsSync(join(place.run, 'data', 'meta.properties'))) return
    const format = ['kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', join(place.run, 'server.properties')]
    const { secure } = more
    const users = secure
      ? scram.flatMap((mechanism) => ['-S', `${mechanism}=[name=${secure.user},password=${secure.password}]`])
      : []
    await tool('java', ['-Xmx128m', '-cp', join(libOf(place), '*'), ...format, ...users], java)
  },

  command: (place) => [
    'java',
    '-Xms256m',
    '-Xmx512m',
    '-XX:+UseSerialGC',
    '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
    '-cp',
    join(libOf(place), '*'),
    'kafka.Kafka',
    join(place.run, 'server.properties'),
  ],

  async healthy(place) {
    const admin = new Admin({
      clientId: 'services',
      bootstrapBrokers: [addressOf(place)],
      retries: 0,
      timeout: 2000,
      connectTimeout: 2000,
    })
    try {
      const { brokers } = await admin.metadata({ topics: [] })
      if (brokers.size === 0) throw new Error('it knows no broker yet')
    } finally {
      await admin.close()
    }
  },

  env: (place) => ({ MILLRACE_TEST_KAFKA_URL: addressOf(place) }),
})

export const kafka = brokerWith({})

const addressOf = (place: Place): string => `127.0.0.1:${place.port}`

function properties({ port, run }: Place, { via, secure }: MoreListeners): string {
  const listeners = [`PLAINTEXT://127.0.0.1:${port}`, `CONTROLLER://127.0.0.1:${port + 1}`]
  const advertised = [`PLAINTEXT://127.0.0.1:${port}`]
  const secured: string[] = []
  if (via) {
    listeners.push(`VIA://127.0.0.1:${via.port}`)
    advertised.push(`VIA://127.0.0.1:${via.advertised}`)
  }
  if (secure) {
    listeners.push(`SECURE://127.0.0.1:${secure.port}`)
    advertised.push(`SECURE://127.0.0.1:${secure.port}`)
    secured.push(
      `sasl.enabled.mechanisms=PLAIN,${scram.join()}`,
      `listener.name.secure.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_${secure.user}="${secure.password}";`,
      ...scram.map(
        (each) =>
          `listener.name.secure.${each.toLowerCase()}.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;`,
      ),
      `listener.name.secure.ssl.keystore.location=${secure.keystore}`,
      'listener.name.secure.ssl.keystore.type=PKCS12',
      `listener.name.secure.ssl.keystore.password=${secure.password}`,
      `listener.name.secure.ssl.key.password=${secure.password}`,
    )
  }
  return `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${port + 1}
listeners=${listeners.join()}
advertised.listeners=${advertised.join()}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,VIA:PLAINTEXT,SECURE:SASL_SSL
log.dirs=${join(run, 'data')}
num.partitions=3
# Tests write records of years ago: by the default of seven days they vanish at the next check, every five minutes.
log.retention.ms=-1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=3
transaction.state.log.replication.factor=1
transaction.state.log.num.partitions=3
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
${secured.join('\n')}
`
}
