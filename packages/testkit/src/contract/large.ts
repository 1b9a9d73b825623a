/** Writes large records and measures memory; the child's part of memory.ts. */
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { batch, type Env, Records, type Row, type Sink } from '@millrace/core'
import type { LargeWrites, Memory } from '../memory.ts'

/** `maxRSS` counts in these. */
const kib = 1024

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Memory in use, without garbage. */
function heldBytes(): number {
  collect()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

export async function writeLarge(
  sink: Sink,
  env: Env,
  { row, writes, perWrite, pauseMs = 0 }: Pick<LargeWrites, 'row' | 'writes' | 'perWrite' | 'pauseMs'>,
): Promise<Memory> {
  const { signal } = new AbortController()
  let position = 0
  const write = async (n: number) => {
    const rows: Row[] = Array(n).fill(row)
    const from = position
    position += n
    const origin = { source: 's', batch: batch({ split: 'a', rows, positionAt: (i) => from + i }) }
    await sink.write(new Records({ rows, from: [origin], pipeline: env.pipeline }), { signal, epoch: 1 })
  }
  await sink.open?.({ signal, incarnation: 1, start: 'test', instance: { i: 0, n: 1 }, warn: () => {} })
  await write(1)
  const [peakBefore, heldBefore] = [process.resourceUsage().maxRSS, heldBytes()]
  for (let n = 0; n < writes; n++) {
    await write(perWrite)
    if (pauseMs > 0) await sleep(pauseMs)
  }
  const held = heldBytes() - heldBefore
  await sink.flush?.({ signal, epoch: 1, roll: true, end: true })
  const peak = (process.resourceUsage().maxRSS - peakBefore) * kib
  await sink.close?.()
  return { peak, held }
}
