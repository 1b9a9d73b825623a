/**
 * `npm run crash:kinesis -- --kills 100`: kills the command at random times and points while records flow from a stream
 * of Kinesis that is split and merged, and counts what is in the stores. Needs MILLRACE_TEST_KINESIS_URL and
 * MILLRACE_TEST_DYNAMODB_URL (`npm run services -- run -- npm run crash:kinesis`). Exit code 1: something was lost,
 * duplicated or out of order, or fewer than a tenth of the kills fell between a parent's end and its child's first
 * saved record.
 */
import { rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { mulberry32 } from '../../src/retail.ts'
import { kinesisJob } from './kinesis-job.ts'

const { values: flags } = parseArgs({
  options: {
    kills: { type: 'string', default: '100' },
    /** Kills of one stream, before it is read to its end. */
    'each-stream': { type: 'string', default: '25' },
    seed: { type: 'string', default: '1' },
  },
})
const urlOf = (name: string): string => {
  const url = process.env[`MILLRACE_TEST_${name}_URL`]
  if (url) return url
  throw new Error(`MILLRACE_TEST_${name}_URL is not set: npm run services -- run -- npm run crash:kinesis`)
}
const urls = { kinesis: urlOf('KINESIS'), dynamodb: urlOf('DYNAMODB') }
const random = mulberry32(Number(flags.seed))
const [wanted, eachStream] = [Number(flags.kills), Number(flags['each-stream'])]
const folder = join(tmpdir(), `millrace-crash-kinesis-${process.pid}`)
let [kills, between, failures] = [0, 0, 0]
while (kills < wanted) {
  const job = await kinesisJob(urls, folder, random)
  try {
    for (let n = Math.min(eachStream, wanted - kills); n > 0; n--) await job.killOnce()
    await job.verify().then(
      () => console.log(`${job.told()}: 0 lost, 0 doubled, every key in order`),
      (error: Error) => {
        failures++
        console.log(`WRONG after ${job.told()}: ${error.message}; ${folder}`)
      },
    )
  } finally {
    kills += job.tally.kills
    between += job.tally.between
    await job.close()
  }
  if (failures > 0) break
}
if (failures === 0) rmSync(folder, { recursive: true, force: true })
const share = `${between} of them between a parent's end and its child's first saved record`
console.log(`${failures ? 'WRONG' : '0 lost, 0 doubled, every key in order'} in ${kills} kills, ${share}`)
if (between * 10 < kills) console.log('too few of them')
process.exitCode = failures || between * 10 < kills ? 1 : 0
