/**
 * The servers that a profile of the flows needs: those that the environment names, otherwise the repository's own,
 * which are started.
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { Client } from 'pg'
import { root } from '../pipe.ts'

const run = promisify(execFile)

/** The servers of each profile, and the variables that name them, by those of the live tests. */
const profiles: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  local: {},
  'kafka-mongo': {
    KAFKA_BROKER: 'MILLRACE_TEST_KAFKA_URL',
    MONGODB_URL: 'MILLRACE_TEST_MONGODB_URL',
    POSTGRES_URL: 'MILLRACE_TEST_POSTGRES_URL',
  },
  aws: {
    AWS_ENDPOINT_URL_KINESIS: 'MILLRACE_TEST_KINESIS_URL',
    AWS_ENDPOINT_URL_DYNAMODB: 'MILLRACE_TEST_DYNAMODB_URL',
    AWS_ENDPOINT_URL_S3: 'MILLRACE_TEST_S3_URL',
    AWS_ACCESS_KEY_ID: 'AWS_ACCESS_KEY_ID',
    AWS_SECRET_ACCESS_KEY: 'AWS_SECRET_ACCESS_KEY',
    AWS_REGION: 'AWS_REGION',
    REDSHIFT_URL: 'MILLRACE_TEST_REDSHIFT_URL',
  },
}
const servers: Readonly<Record<string, readonly string[]>> = {
  'kafka-mongo': ['kafka', 'mongodb', 'postgres'],
  aws: ['kinesis', 'dynamodb', 'seaweedfs', 'redshift'],
}

/** Variables for the profile's file. `local` needs none. */
export async function serverEnvironment(profile: string): Promise<Record<string, string>> {
  const variables = Object.entries(profiles[profile] ?? {})
  const given = variables.flatMap(([name]) => (process.env[name] ? [[name, process.env[name]]] : []))
  if (given.length === variables.length) return Object.fromEntries(given) as Record<string, string>
  const services = (command: string) =>
    run(process.execPath, ['services/main.ts', command, ...servers[profile]!], { cwd: root })
  await services('up')
  const { stdout } = await services('env')
  const named = new Map([...stdout.matchAll(/^(\w+)='(.*)'$/gm)].map(([, name, value]) => [name!, value!]))
  return Object.fromEntries(variables.map(([name, ours]) => [name, process.env[name] ?? named.get(ours)!]))
}

/** Makes the buckets and schemas that a profile's file names and no sink makes, unless they are there. */
export async function makePlaces(
  profile: string,
  buckets: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const prefix = env['NAME_PREFIX'] ?? ''
  const server = { 'kafka-mongo': env['POSTGRES_URL'], aws: env['REDSHIFT_URL'] }[profile]
  if (server) await makeSchema(server, `${prefix}public`)
  if (profile !== 'aws') return
  const credentials = { accessKeyId: env['AWS_ACCESS_KEY_ID']!, secretAccessKey: env['AWS_SECRET_ACCESS_KEY']! }
  const endpoint = env['AWS_ENDPOINT_URL_S3']!
  const client = new S3Client({ endpoint, region: env['AWS_REGION']!, credentials, forcePathStyle: true })
  try {
    for (const bucket of buckets)
      await client.send(new CreateBucketCommand({ Bucket: `${prefix}${bucket}` })).catch((error: Error) => {
        if (!error.name.startsWith('BucketAlready')) throw error
      })
  } finally {
    client.destroy()
  }
}

async function makeSchema(url: string, schema: string): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(`CREATE SCHEMA IF NOT EXISTS ${client.escapeIdentifier(schema)}`)
  } finally {
    await client.end()
  }
}
