/**
 * `npm run crash:relay -- --kills 500`: a gateway that posts to a gateway, as arrays and as JSON lines, then the log,
 * then MongoDB, each killed at random times. Needs MILLRACE_TEST_MONGODB_URL (`npm run services -- run -- npm run
 * crash:relay`). Exit code 1: something was lost or duplicated.
 */
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { killRelay } from './relay-job.ts'

const { values: flags } = parseArgs({ options: { kills: { type: 'string', default: '500' } } })
const mongodb = process.env['MILLRACE_TEST_MONGODB_URL']
if (!mongodb) throw new Error('MILLRACE_TEST_MONGODB_URL is not set: npm run services -- run -- npm run crash:relay')
for (const body of ['array', 'json_lines'] as const) {
  const folder = join(tmpdir(), `millrace-relay-${process.pid}`)
  const { kills, acknowledged, resent } = await killRelay(Number(flags.kills) / 2, 3000, body, mongodb, folder)
  const each = Object.entries(kills).map(([spec, n]) => `${n} of ${spec}`)
  console.log(`${body}: 0 lost, 0 doubled of ${acknowledged} records; kills: ${each.join(', ')}; ${resent} sent again`)
}
