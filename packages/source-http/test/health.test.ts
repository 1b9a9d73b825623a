/** What a gateway says of its health while its store refuses, hangs, and works again. */
import { SystemError } from '@millrace/core'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeEach, expect, it } from 'vitest'
import { type Gateway, gateway, good } from './run-gateway.ts'

let { address, start, post } = {} as Gateway
beforeEach(async () => {
  ;({ address, start, post } = await gateway())
})

const health = async (path = '/health') => {
  const response = await fetch(`http://${address}${path}`)
  return { status: response.status, body: await response.json() }
}
const until = async (status: number) => {
  for (let i = 0; i < 200; i++) {
    const found = await health()
    if (found.status === status) return found
    await sleep(50)
  }
  throw new Error(`never ${status}`)
}
const isWell = { status: 200, body: { status: 'ok' } }

it('names the store that cannot be reached, until it can, and is alive', async () => {
  let isDown = true
  await start({
    onWrite() {
      if (isDown) throw new SystemError('no_connection', 'the store is down', { retry: true })
    },
  })
  expect(await health()).toEqual(isWell)
  const sent = post(good(1))
  const { body } = await until(503)
  expect(body).toMatchObject({
    status: 'unavailable',
    reasons: [{ pipeline: 'test', node: 'store', code: 'no_connection', message: 'the store is down' }],
  })
  expect(await health('/health/ready')).toMatchObject({ status: 503 })
  expect(await health('/health/live')).toEqual(isWell)
  isDown = false
  expect((await sent).status).toBe(201)
  expect(await health()).toEqual(isWell)
})

it('says that it cannot answer while the store hangs, until it does not', { timeout: 20_000 }, async () => {
  const hangs = Promise.withResolvers<void>()
  await start({ onWrite: () => hangs.promise, more: { answer_timeout: 500 } })
  expect((await post(good(1))).status).toBe(503)
  expect((await until(503)).body).toMatchObject({
    reasons: [{ node: 'source', code: 'answers_late', message: 'a request has waited 0.5 s for its answer' }],
  })
  hangs.resolve()
  expect(await until(200)).toEqual(isWell)
})
