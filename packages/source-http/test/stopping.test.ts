/** A gateway that is told to stop ends, whatever its clients do. */
import { Agent, request } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeEach, describe, expect, it } from 'vitest'
import { type Gateway, gateway, good } from './run-gateway.ts'

let { address, start, stop, post } = {} as Gateway
beforeEach(async () => {
  ;({ address, start, stop, post } = await gateway())
})
const body = JSON.stringify(good(1))
const head = `POST /invoices HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n`

/** Opens a connection and sends this; gives what comes back until it is closed. */
function open(text: string): Promise<string> {
  const socket = connect(Number(address.split(':')[1]), '127.0.0.1', () => socket.write(text))
  let got = ''
  socket.on('data', (bytes) => (got += bytes.toString()))
  return new Promise((resolve) => socket.on('error', () => {}).on('close', () => resolve(got)))
}

describe('a gateway that is told to stop', () => {
  it.each([
    ['says nothing', ''],
    ['has sent half a head', head.slice(0, 40)],
    ['has sent half a body', `${head}\r\n${body.slice(0, 5)}`],
    ['keeps its connection after an answer', `${head}\r\n${body}`],
    ['has sent a request and half of the next', `${head}\r\n${body}${head}`],
  ])('ends at once while a client %s', { timeout: 10_000 }, async (_what, text) => {
    await start()
    const got = open(text)
    await sleep(200)
    const startedMs = performance.now()
    await stop()
    expect(performance.now() - startedMs).toBeLessThan(2000)
    expect(await got).toMatch(text.includes(body) ? /^HTTP\/1\.1 201/ : /^(HTTP\/1\.1 503|$)/)
  })

  it('answers what it has, and 503 to what comes then, after which the connection is closed', async () => {
    let began = () => {}
    const isTaken = new Promise<void>((resolve) => (began = resolve))
    let release = () => {}
    const held = new Promise<void>((resolve) => (release = resolve))
    await start({
      onWrite: () => {
        began()
        return held
      },
    })
    const agent = new Agent({ keepAlive: true })
    const [host, port] = address.split(':')
    const ask = () =>
      new Promise<{ status: number; connection: string | undefined; retryAfter: string | undefined }>(
        (resolve, reject) => {
          const headers = { 'content-type': 'application/json' }
          request({ agent, host, port, path: '/invoices', method: 'POST', headers }, (response) => {
            const { connection, 'retry-after': retryAfter } = response.headers
            response.resume().on('end', () => resolve({ status: response.statusCode!, connection, retryAfter }))
          })
            .on('error', reject)
            .end(body)
        },
      )
    const first = ask()
    await isTaken
    const ended = stop()
    expect(await ask()).toEqual({ status: 503, connection: 'close', retryAfter: '1' })
    release()
    expect((await first).status).toBe(201)
    await ended
    await expect(post(good(2))).rejects.toThrow()
    agent.destroy()
  })
})
