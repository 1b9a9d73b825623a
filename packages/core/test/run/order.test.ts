/** The file in which the order of an epoch is kept. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { openOrder } from '../../src/run/order.ts'

const opened = async (failures: unknown[] = []) => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-order-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return openOrder(folder, 'a', { incarnation: 1, covered: 0 }, (error) => void failures.push(error))
}

it('a failure to write it is reported, and nothing waits for it then', async () => {
  const failures: unknown[] = []
  const order = await opened(failures)
  order.append({ kind: 'clock', clock: 1 })
  const ready = order.ready()
  await order.close()
  await ready()
  expect(failures).toEqual([expect.objectContaining({ code: 'EBADF' })])
})
