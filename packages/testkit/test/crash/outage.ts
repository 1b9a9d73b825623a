/**
 * `npm run crash:outage -- --away 180`: the broker behind a gateway is dead for that many seconds, then back. Exit code
 * 1: a 201 was lost, the store after the stream holds something twice, the gateway said that it was ready, or it grew.
 */
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { outage } from './outage-job.ts'

const { values: flags } = parseArgs({ options: { away: { type: 'string', default: '180' } } })
const told = await outage(Number(flags.away) * 1000, join(tmpdir(), `millrace-outage-${process.pid}`))
console.log(
  `${told.acknowledged} records answered 201, 0 lost, 0 doubled; ${told.resent} requests sent again, ` +
    `${told.inStream - told.acknowledged} records repeated in the stream; not ready after ` +
    `${(told.unreadyAfterMs / 1000).toFixed(1)} s, ready again ${(told.readyAfterMs / 1000).toFixed(1)} s after the broker; ` +
    `ready meanwhile: ${told.readyMeanwhile}; at most ${(told.peakBytes / 1e6).toFixed(0)} MB`,
)
if (told.readyMeanwhile > 0 || told.peakBytes > 400e6) process.exitCode = 1
