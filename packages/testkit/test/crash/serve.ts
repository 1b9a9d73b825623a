/**
 * `npm run crash:serve -- --kills 100 [--seed 1]`: kills `pipe serve` and the processes of its pipelines while they
 * work off requests and a schedule. Exit code 1: a run was lost or doubled.
 */
import { rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { mulberry32 } from '../../src/retail.ts'
import { serveJob } from './serve-job.ts'

const { values: flags } = parseArgs({
  options: { kills: { type: 'string', default: '100' }, seed: { type: 'string', default: '1' } },
})
const random = mulberry32(Number(flags.seed))
const folder = join(tmpdir(), `millrace-crash-serve-${process.pid}`)
try {
  const job = await serveJob(folder, Number(flags.kills), (n) => Math.floor(random() * n))
  console.log(`no run was lost or doubled: ${JSON.stringify(job)}`)
  rmSync(folder, { recursive: true, force: true })
} catch (error) {
  console.log(`WRONG, in ${folder}: ${(error as Error).message}`)
  process.exitCode = 1
}
