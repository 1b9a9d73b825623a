/** What `pipe doctor` finds. */
import type { Env } from '@millrace/core'
import { openJob } from '@millrace/client-glue/driver'
import { addressOf, Session } from '@millrace/client-postgres/driver'
import { openBucket } from '@millrace/client-s3/driver'
import { connectionOf, type Options } from './options.ts'
import { columnsOf } from './table.ts'

/** Reaches the bucket, and whoever loads; says whether the table exists. */
export async function probe(o: Options, env: Env, signal: AbortSignal): Promise<string> {
  const bucket = openBucket(o, env)
  try {
    await bucket.probe(signal)
  } finally {
    bucket.close()
  }
  const loads = o.load === 'glue' ? await probeJob(o, env, signal) : await probeTable(o, env, signal)
  return `the bucket ${o.bucket} answers; ${loads}`
}

async function probeTable(o: Options, env: Env, signal: AbortSignal): Promise<string> {
  const connection = connectionOf(o)
  const session = new Session(connection, env)
  try {
    return await session.run(signal, 'connecting', async (client) => {
      const columns = await columnsOf(client, o.schema, o.table)
      const what = columns.length > 0 ? 'has' : o.create ? 'will get' : 'has no'
      return `connected to ${addressOf(connection)}: it ${what} the table ${o.table}`
    })
  } finally {
    await session.close()
  }
}

async function probeJob(o: Options, env: Env, signal: AbortSignal): Promise<string> {
  const { job: name, endpoint } = o.glue!
  const job = openJob({ region: o.region, endpoint, credentials: o.credentials }, name, env)
  try {
    await job.probe(signal)
    return `there is the job ${name}`
  } finally {
    job.close()
  }
}
