import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { freePort } from '@millrace/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

let gateway: ChildProcess
let port: number
let folder: string
beforeAll(async () => {
  port = await freePort()
  folder = mkdtempSync(join(tmpdir(), 'millrace-cli-'))
  writeFileSync(join(folder, 'millrace.yaml'), 'version: 1\n')
  writeFileSync(
    join(folder, 'gateway.yaml'),
    `version: 1
name: gateway
source:
  type: http
  config: { address: "127.0.0.1:${port}", path: /numbers, max_body: 1MiB, max_buffered: 32MiB }
  schema: { fields: { n: integer, text: string } }
  answer: source
sinks:
  stream: { type: log, config: { stream: numbers } }
`,
  )
  gateway = spawn(
    process.execPath,
    ['--conditions=@millrace/source', join(import.meta.dirname, '../src/main.ts'), 'run', 'gateway.yaml'],
    {
      cwd: folder,
      stdio: 'ignore',
    },
  )
  for (let n = 0; n < 500 && !(await health()); n++) await sleep(20)
})
afterAll(async () => {
  gateway.kill('SIGTERM')
  const [code] = await once(gateway, 'exit')
  rmSync(folder, { recursive: true, force: true })
  expect(code).toBe(0)
})

const health = () =>
  fetch(`http://127.0.0.1:${port}/health`).then(
    (r) => r.ok,
    () => false,
  )
/** The peak memory of the gateway. */
const peakMb = () => Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${gateway.pid}/status`, 'utf8'))![1]) / 1000

const open = async (): Promise<Socket> => {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}
const head = (more: string): string =>
  `POST /numbers HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n${more}\r\n`
/** The status of the first response on a connection; 0: it was closed without one. */
const status = (socket: Socket): Promise<number> =>
  new Promise((resolve) => {
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk.toString()
      const found = /^HTTP\/1\.1 (\d+)/.exec(text)
      if (found) resolve(Number(found[1]))
    })
    socket.on('close', () => resolve(0))
  })
const counted = (all: readonly number[]): Record<number, number> =>
  Object.fromEntries([...Map.groupBy(all, (s) => s)].map(([s, list]) => [s, list.length]))
const record = (n: number): string => JSON.stringify({ n, text: `number ${n}` })
const good = (n: number): string => `${head(`content-length: ${record(n).length}\r\n`)}${record(n)}`

describe.skipIf(process.platform !== 'linux')(
  'the gateway stays within its memory and answers clearly',
  { timeout: 90_000 },
  () => {
    it('with 2,000 connections that are kept and used', async () => {
      const sockets = await Promise.all(Array.from({ length: 2000 }, open))
      for (let round = 0; round < 2; round++) {
        const answers = sockets.map((socket, n) => {
          const answer = status(socket)
          socket.write(good(n))
          return answer
        })
        const all = counted(await Promise.all(answers))
        // Requests beyond those that may wait for an answer at the same time are told to come back.
        expect((all[201] ?? 0) + (all[503] ?? 0)).toBe(2000)
        expect(all[201]).toBeGreaterThanOrEqual(1000)
        for (const socket of sockets) socket.removeAllListeners('data').removeAllListeners('close')
      }
      for (const socket of sockets) socket.destroy()
      expect(peakMb()).toBeLessThan(300)
    })

    it('with bodies that are far too large, announced or not', async () => {
      const announced = await Promise.all(
        Array.from({ length: 50 }, async () => {
          const socket = await open()
          const answer = status(socket)
          socket.write(head('content-length: 1000000000\r\n'))
          return answer
        }),
      )
      expect(counted(announced)).toEqual({ 413: 50 })
      const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`
      const chunked = await Promise.all(
        Array.from({ length: 50 }, async () => {
          const socket = await open()
          const answer = status(socket)
          socket.write(head('transfer-encoding: chunked\r\n'))
          for (let n = 0; n < 400 && socket.writable; n++)
            if (!socket.write(chunk)) await Promise.race([once(socket, 'drain'), once(socket, 'close')]).catch(() => {})
          return answer
        }),
      )
      const all = counted(chunked)
      // A connection that keeps sending may be cut before it reads its response.
      expect((all[413] ?? 0) + (all[503] ?? 0) + (all[0] ?? 0)).toBe(50)
      expect(all[413]).toBeGreaterThan(0)
      expect(peakMb()).toBeLessThan(350)
    })

    it('with bodies that expand hugely when they are decompressed', async () => {
      const bomb = gzipSync(Buffer.alloc(200 << 20, ' '))
      expect(bomb.length).toBeLessThan(1 << 20)
      const all = await Promise.all(
        Array.from({ length: 40 }, async () => {
          const socket = await open()
          const answer = status(socket)
          socket.write(head(`content-encoding: gzip\r\ncontent-length: ${bomb.length}\r\n`))
          socket.write(bomb)
          return answer
        }),
      )
      expect(counted(all)).toEqual({ 413: 40 })
      expect(peakMb()).toBeLessThan(350)
    })

    it('with clients that send most of a large body and then nothing', async () => {
      const sockets = await Promise.all(Array.from({ length: 200 }, open))
      const part = 'x'.repeat(900_000)
      for (const socket of sockets) socket.write(`${head('content-length: 1000000\r\n')}${part}`)
      const refused: number[] = []
      for (const socket of sockets) void status(socket).then((answer) => refused.push(answer))
      for (let n = 0; n < 1000 && refused.length <= 100; n++) await sleep(20)
      expect(new Set(refused).difference(new Set([503, 0]))).toEqual(new Set())
      expect(refused.length).toBeGreaterThan(100)
      expect(await health()).toBe(true)
      expect(peakMb()).toBeLessThan(350)
      for (const socket of sockets) socket.destroy()
      await sleep(100)
      const socket = await open()
      const answer = status(socket)
      socket.write(good(1))
      expect(await answer).toBe(201)
      socket.destroy()
    })

    it('and closes connections whose head never arrives', async () => {
      const sockets = await Promise.all(Array.from({ length: 50 }, open))
      const drip = setInterval(() => {
        for (const socket of sockets) if (socket.writable) socket.write('x')
      }, 500)
      for (const socket of sockets) socket.write('POST /numbers HTTP/1.1\r\nhost: localhost\r\nx-slow: ')
      const all = await Promise.all(sockets.map(status))
      clearInterval(drip)
      expect(counted(all)).toEqual({ 408: 50 })
    })
  },
)
