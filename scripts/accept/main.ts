/**
 * `npm run accept -- NAME [--profile P] [--rows N] --out FOLDER`: runs a job on the real data, which `MILLRACE_DATA`
 * names, leaves what it wrote in the folder, and has readers other than ours find the known facts there. Exit code 0:
 * every fact holds. `--rows`: `flow5` and `swap` with the first N lines; what is published about the whole file is then
 * not compared.
 */
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { accept, type Acceptance } from './flow.ts'
import { acceptFlow1 } from './flow1.ts'
import { acceptFlow2 } from './flow2.ts'
import { acceptFlow3 } from './flow3.ts'
import { acceptFlow4 } from './flow4.ts'
import { acceptFlow5 } from './flow5.ts'
import { acceptRetail } from './retail.ts'
import { firstRows } from './retail-input.ts'
import { acceptSwap } from './swap.ts'
import { acceptWindows } from './windows.ts'

const flow =
  (job: (acceptance: Acceptance) => Promise<void>) =>
  async (data: string, out: string, profile: string): Promise<boolean> => {
    const acceptance = accept(data, out, profile)
    await job(acceptance)
    process.stdout.write(
      `\n${acceptance.right ? 'Every fact holds' : 'SOME FACTS DO NOT HOLD'} on the profile ${profile}. Exports: ${acceptance.out}\n`,
    )
    return acceptance.right
  }

const jobs: Readonly<Record<string, (data: string, out: string, profile: string) => Promise<boolean>>> = {
  retail: acceptRetail,
  flow1: flow(acceptFlow1),
  flow2: flow(acceptFlow2),
  flow3: flow(acceptFlow3),
  flow4: flow(acceptFlow4),
  flow5: flow((job) => acceptFlow5(job, retailIn(job.data, job.out), rows === undefined)),
  windows: flow(acceptWindows),
  swap: (data, out) => acceptSwap(retailIn(data, out), out),
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { out: { type: 'string' }, profile: { type: 'string', default: 'local' }, rows: { type: 'string' } },
})
const rows = values.rows === undefined ? undefined : Number(values.rows)
const job = jobs[positionals[0] ?? '']
const data = process.env['MILLRACE_DATA']
if (!job || !values.out)
  fail(`Usage: npm run accept -- ${Object.keys(jobs).join('|')} [--profile NAME] [--rows N] --out FOLDER`)
if (rows !== undefined && !(Number.isSafeInteger(rows) && rows > 0 && /^(flow5|swap)$/.test(positionals[0]!)))
  fail('`--rows` takes a whole number from 1, with `flow5` and `swap`')
if (!data)
  fail(
    'Set MILLRACE_DATA to the folder that holds online-retail.csv.gz: the UCI Online Retail data, https://archive.ics.uci.edu/dataset/352/online+retail',
  )
process.exitCode = (await job(resolve(data), resolve(values.out), values.profile)) ? 0 : 1

/** The file of the client, or its first `rows` lines. */
function retailIn(folder: string, out: string): string {
  const path = resolve(folder, 'online-retail.csv.gz')
  return rows === undefined ? path : firstRows(path, rows, join(out, `first-${rows}.csv`))
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`)
  process.exit(2)
}
