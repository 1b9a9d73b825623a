import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type CuttingProxy, cuttingProxy } from '../src/proxy.ts'

let server: Server
let proxy: CuttingProxy
let got: string[]

beforeEach(async () => {
  got = []
  server = createServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', (bytes) => {
      got.push(bytes.toString())
      socket.write(`answer to ${bytes.toString()}`)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  proxy = await cuttingProxy((server.address() as { port: number }).port)
})
afterEach(async () => {
  await proxy.close()
  server.close()
})

const open = async (): Promise<Socket> => {
  const socket = connect(proxy.port, proxy.host)
  await once(socket, 'connect')
  return socket
}
const ask = async (socket: Socket, text: string): Promise<string> => {
  socket.write(text)
  return String((await once(socket, 'data'))[0])
}
/** How a socket ends: `error code` or `closed`. */
const ending = (socket: Socket): Promise<string> =>
  new Promise((resolve) =>
    socket
      .on('error', (error: NodeJS.ErrnoException) => resolve(error.code!))
      .on('close', () => resolve('closed'))
      .resume(),
  )

describe('the cutting proxy', () => {
  it('forwards everything when nothing is wrong', async () => {
    const socket = await open()
    expect(await ask(socket, 'one')).toBe('answer to one')
    expect(await ask(socket, 'two')).toBe('answer to two')
    socket.destroy()
  })
  it('refuses new connections and accepts them again', async () => {
    const before = await open()
    await proxy.set('refuse')
    expect(await ask(before, 'still here')).toBe('answer to still here')
    expect(await ending(connect(proxy.port, proxy.host))).toBe('ECONNREFUSED')
    before.destroy()
    await proxy.set('none')
    expect(await ask(await open(), 'back')).toBe('answer to back')
  })
  it('resets open and new connections', async () => {
    const before = await open()
    await ask(before, 'one')
    const ended = ending(before)
    await proxy.set('reset')
    expect(await ended).toBe('ECONNRESET')
    expect(await ending(connect(proxy.port, proxy.host))).toBe('ECONNRESET')
  })
  it('swallows bytes without closing', async () => {
    const socket = await open()
    await proxy.set('black_hole')
    const answer = ask(socket, 'lost')
    expect(await Promise.race([answer, sleep(100, 'nothing')])).toBe('nothing')
    expect(got).toEqual([])
    expect(socket.closed).toBe(false)
    socket.destroy()
  })
  it('delays and throttles answers, in order', async () => {
    const socket = await open()
    await proxy.set({ delayMs: 80 })
    const started = performance.now()
    expect(await ask(socket, 'slow')).toBe('answer to slow')
    expect(performance.now() - started).toBeGreaterThan(70)
    await proxy.set({ bytesPerSecond: 200 })
    const began = performance.now()
    expect(await ask(socket, '0123456789')).toBe('answer to 0123456789')
    expect(performance.now() - began).toBeGreaterThan(80)
    socket.destroy()
  })
  it('lets one request through and cuts its answer', async () => {
    const socket = await open()
    await proxy.set({ cutAnswerOf: 5 })
    expect(await ask(socket, 'tiny')).toBe('answer to tiny')
    const ended = ending(socket)
    socket.write('a real request')
    expect(await ended).toBe('closed')
    expect(got).toContain('a real request')
    expect(proxy.cuts).toBe(1)
    expect(await ask(await open(), 'a real request')).toBe('answer to a real request')
  })
})
