/**
 * `npm run crash:kafka -- --kills 200`: kills the command at random times, and the broker in between, while records
 * flow from Kafka to MongoDB, and counts what is in the store. Needs MILLRACE_TEST_MONGODB_URL (`npm run services --
 * run -- npm run crash:kafka`). Exit code 1: something was lost or duplicated.
 */
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { mulberry32 } from '../../src/retail.ts'
import { kafkaJob } from './kafka-job.ts'

const { values: flags } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    'broker-kills': { type: 'string', default: '10' },
    records: { type: 'string', default: '300000' },
    seed: { type: 'string', default: '1' },
  },
})
const mongodb = process.env['MILLRACE_TEST_MONGODB_URL']
if (!mongodb) throw new Error('MILLRACE_TEST_MONGODB_URL is not set: npm run services -- run -- npm run crash:kafka')
const random = mulberry32(Number(flags.seed))
const [wanted, wantedBroker] = [Number(flags.kills), Number(flags['broker-kills'])]
const job = await kafkaJob(mongodb, Number(flags.records), join(tmpdir(), `millrace-crash-kafka-${process.pid}`))
let failures = 0
try {
  const wholeMs = await job.undisturbed()
  await job.verify()
  console.log(`undisturbed: ${(wholeMs / 1000).toFixed(1)} s`)
  const all = { kills: 0, brokerKills: 0, gaveUp: 0 }
  for (let run = 1; all.kills < wanted || all.brokerKills < wantedBroker; run++) {
    await job.reset()
    // On a machine that got slower a start may not come as far as its first save: the later ones live longer.
    const dies = (start: number) => (0.5 + random()) * Math.max(2500, wholeMs / 25) * (1 + start / 40)
    const told = await job.run(dies, wantedBroker - all.brokerKills)
    for (const key of ['kills', 'brokerKills', 'gaveUp'] as const) all[key] += told[key]
    const what = `run ${run}: ${told.kills} kills of the command, ${told.brokerKills} of the broker`
    await job.verify().then(
      () => console.log(`${what}: 0 lost, 0 doubled`),
      (error: Error) => {
        failures++
        console.log(`WRONG after ${what}: ${error.message}`)
      },
    )
  }
  const gaveUp = all.gaveUp ? `; ${all.gaveUp} starts gave up while the broker was away` : ''
  console.log(
    `${failures ? `${failures} FAILURES` : '0 lost, 0 doubled'} in ${all.kills} kills of the command and ${all.brokerKills} of the broker${gaveUp}`,
  )
} finally {
  await job.close()
}
process.exitCode = failures ? 1 : 0
