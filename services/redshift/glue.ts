/**
 * A fake of AWS Glue's jobs: StartJobRun, GetJobRun and GetJobRuns of its JSON protocol (docs.aws.amazon.com/glue/
 * latest/webapi). Every job exists, unless its name begins with `missing`. A run loads the manifest that it is given
 * into its table, by COPY through the stand-in for Redshift, as a job would; a second run loads it again. A run of a
 * job whose name begins with `slow` takes a minute.
 */
import { randomUUID } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import { json } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'

interface Run {
  readonly Id: string
  readonly JobName: string
  readonly Arguments: Readonly<Record<string, string>>
  readonly StartedOn: number
  JobRunState: 'RUNNING' | 'SUCCEEDED' | 'FAILED'
  ErrorMessage?: string
}

interface Asked {
  readonly JobName?: string
  readonly RunId?: string
  readonly Arguments?: Readonly<Record<string, string>>
  readonly MaxResults?: number
  readonly NextToken?: string
}

/** Listens on loopback. `redshift`: the address of the stand-in. */
export function glueFake(port: number, redshift: string): Server {
  const runs: Run[] = []
  const answers: Readonly<Record<string, (asked: Asked) => object | undefined>> = {
    StartJobRun({ JobName = '', Arguments = {} }) {
      const run: Run = {
        Id: `jr_${randomUUID()}`,
        JobName,
        Arguments,
        StartedOn: Date.now() / 1000,
        JobRunState: 'RUNNING',
      }
      runs.unshift(run)
      void load(redshift, run)
      return { JobRunId: run.Id }
    },
    GetJobRun({ RunId }) {
      const JobRun = runs.find(({ Id }) => Id === RunId)
      return JobRun && { JobRun }
    },
    GetJobRuns({ JobName, MaxResults = 200, NextToken = '0' }) {
      const own = runs.filter((run) => run.JobName === JobName)
      const end = Number(NextToken) + MaxResults
      return { JobRuns: own.slice(Number(NextToken), end), ...(end < own.length ? { NextToken: String(end) } : {}) }
    },
  }
  return createServer(async (request, response) => {
    const operation = /^AWSGlue\.(\w+)$/.exec(String(request.headers['x-amz-target']))?.[1] ?? ''
    const asked = (await json(request).catch(() => ({}))) as Asked
    const answer = asked.JobName?.startsWith('missing') ? undefined : answers[operation]?.(asked)
    response.writeHead(answer ? 200 : 400, { 'content-type': 'application/x-amz-json-1.1' })
    response.end(JSON.stringify(answer ?? { __type: 'EntityNotFoundException', Message: `no ${operation}: not found` }))
  }).listen(port, '127.0.0.1')
}

/** What the job's script does. */
async function load(redshift: string, run: Run): Promise<void> {
  const { Arguments: given } = run
  if (run.JobName.startsWith('slow')) await sleep(60_000, undefined, { ref: false })
  const client = new Client({ connectionString: redshift })
  try {
    await client.connect()
    const columns = given['--columns']!.split(',').map((name) => `"${name}"`)
    await client.query(
      `COPY "${given['--schema']}"."${given['--table']}" (${columns.join(', ')}) FROM '${given['--manifest']}'
       IAM_ROLE default MANIFEST CSV GZIP NULL AS '${given['--null_as']}' TIMEFORMAT 'auto'`,
    )
    run.JobRunState = 'SUCCEEDED'
  } catch (error) {
    run.ErrorMessage = (error as Error).message
    run.JobRunState = 'FAILED'
  } finally {
    await client.end().catch(() => {})
  }
}
