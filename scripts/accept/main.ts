/**
 * `npm run accept -- NAME --out FOLDER`: runs a job on the real data, which `MILLRACE_DATA` names, leaves what it wrote in the folder, and has other readers
 * than ours find the known facts there. Exit code 0: every fact holds.
 */
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { acceptRetail } from './retail.ts'

const jobs: Readonly<Record<string, (data: string, out: string) => Promise<boolean>>> = { retail: acceptRetail }

const { values, positionals } = parseArgs({ allowPositionals: true, options: { out: { type: 'string' } } })
const job = jobs[positionals[0] ?? '']
const data = process.env['MILLRACE_DATA']
if (!job || !values.out) fail(`Usage: npm run accept -- ${Object.keys(jobs).join('|')} --out FOLDER`)
if (!data)
  fail('Set MILLRACE_DATA to the folder that holds online-retail.csv.gz: the UCI Online Retail data, https://archive.ics.uci.edu/dataset/352/online+retail')
process.exitCode = (await job(resolve(data), resolve(values.out))) ? 0 : 1

function fail(message: string): never {
  process.stderr.write(`${message}\n`)
  process.exit(2)
}
