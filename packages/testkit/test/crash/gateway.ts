/**
 * `npm run crash:gateway -- --kills 300`: kills the HTTP gateway at random times and at every named point between
 * accept and answer, with clients that send again by key. Exit code 1: a 201 was lost, the store downstream of the
 * stream holds something twice, or an answer was wrong.
 */
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { crashPoints } from '@millrace/core'
import { mulberry32 } from '../../src/retail.ts'
import { killGateway } from './gateway-job.ts'

const { values: flags } = parseArgs({
  options: { kills: { type: 'string', default: '300' }, seed: { type: 'string', default: '1' } },
})
const random = mulberry32(Number(flags.seed))
// Files are not staged here: nothing is published.
const points = crashPoints.filter((point) => !point.endsWith('_publish'))
const told = await killGateway(
  Number(flags.kills),
  (start) =>
    start % 2
      ? { point: points[(start >> 1) % points.length]!, time: 1 + Math.floor(random() * 12) }
      : { afterMs: 300 * random() },
  join(tmpdir(), `millrace-crash-gateway-${process.pid}`),
)
console.log(
  `0 lost, 0 doubled in ${told.kills} kills: ${told.acknowledged} records answered 201, ${told.resent} requests sent again, ${told.repeated} repeated on purpose, ` +
    `${told.inStream - told.acknowledged} repeated in the stream`,
)
