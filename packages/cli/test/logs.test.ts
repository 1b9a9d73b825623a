/** The log of runs with faults: JSON lines for programs, text on a terminal, secrets in neither. */
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '@millrace/testkit'
import { describe, expect, it, onTestFinished } from 'vitest'
import { main } from '../src/main.ts'
import { startPipe } from './process.ts'
import { freshFolder, pipe } from './terminal.ts'

const token = 'a-secret-token'
const env = { MILLRACE_SECRET_TOKEN: token }

/** A project with bad records and a sink that is an HTTP server, which need not be there. */
async function project(): Promise<{ readonly folder: string; readonly port: number }> {
  const folder = freshFolder()
  const port = await freePort()
  writeFileSync(join(folder, 'millrace.yaml'), 'version: 1\n')
  writeFileSync(join(folder, 'data.csv'), 'id\n1\nx\n2\ny\n3\n')
  writeFileSync(
    join(folder, 'orders.yaml'),
    `version: 1
name: orders
source: { type: csv, config: { path: data.csv }, schema: { fields: { id: integer } } }
sinks: { out: { type: http, config: { url: "http://127.0.0.1:${port}/orders", auth: { bearer: "\${secret:token}" } }, retry: { for: 3s } } }
on_error: { data: dead_letter }
dead_letter: { type: files, config: { path: dead/, format: jsonl } }
`,
  )
  return { folder, port }
}

/** A server that refuses twice, then answers, and echoes the header of the request in what it says. */
async function flaky(port: number): Promise<void> {
  let refused = 0
  const server = createServer((request, response) => {
    request.resume()
    const bad = refused++ < 2
    response.writeHead(bad ? 503 : 200).end(bad ? `you sent ${request.headers.authorization}` : '{}')
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
}

interface Line {
  readonly time: string
  readonly level: string
  readonly pipeline: string
  readonly code: string
  readonly node?: string
}

/** Every line, parsed; fails for one that is no JSON, or lacks what each has. */
function linesOf(text: string): Line[] {
  const lines = text.trim().split('\n')
  return lines.map((line) => {
    const parsed = JSON.parse(line) as Line
    expect(new Date(parsed.time).toISOString()).toBe(parsed.time)
    expect(['info', 'warn', 'error']).toContain(parsed.level)
    expect(parsed.pipeline).toMatch(/^(orders|tail|\*)$/)
    expect(parsed.code).toMatch(/^[a-z_]+$/)
    return parsed
  })
}

describe('the log of a run', () => {
  it('with bad records and retries is JSON lines with time, level, pipeline, code and node', {
    timeout: 60_000,
  }, async () => {
    const { folder, port } = await project()
    await flaky(port)
    const run = startPipe(['run', 'orders.yaml', '--json', '--metrics-port', '0'], folder, env)
    expect([await run.ended, run.err()]).toEqual([0, expect.anything()])
    const lines = linesOf(run.err())
    const codes = [...new Set(lines.map(({ code }) => code))]
    expect(codes).toEqual(['listening', 'started', 'retry', 'recovered', 'ended'])
    for (const { code, node } of lines) if (code === 'retry' || code === 'recovered') expect(node).toBe('out')
    const { counters } = JSON.parse(run.out()) as { counters: { sources: { source: { codes: unknown } } } }
    expect(counters.sources.source.codes).toEqual({ not_integer: 2 })
    expect(run.err() + run.out()).not.toContain(token)
  })

  it('whose sink is dead ends with the error, and its node', { timeout: 60_000 }, async () => {
    const { folder } = await project()
    const run = startPipe(['run', 'orders.yaml', '--json'], folder, env)
    expect(await run.ended).not.toBe(0)
    const lines = linesOf(run.err())
    expect(lines.at(-1)).toMatchObject({ level: 'error', pipeline: 'orders', node: 'out' })
    expect(lines.filter(({ code }) => code === 'retry').length).toBeGreaterThan(1)
    expect(run.err() + run.out()).not.toContain(token)
  })

  it('that is stopped has no other line, and so is that of serve', { timeout: 60_000 }, async () => {
    const { folder } = await project()
    writeFileSync(
      join(folder, 'tail.yaml'),
      `version: 1
name: tail
source: { type: log, config: { stream: events }, schema: { fields: { id: integer } } }
sinks: { out: { type: files, config: { path: tail.jsonl } } }
`,
    )
    for (const words of [
      ['run', 'tail.yaml', '--json'],
      ['serve', 'tail.yaml', '--port', 'off'],
    ]) {
      const running = startPipe(words, folder)
      const log = () => (words[0] === 'serve' ? running.out() : running.err())
      for (let i = 0; i < 600 && !log().includes('"started"'); i++) await sleep(50)
      running.child.kill('SIGTERM')
      expect(await running.ended).toBe(0)
      expect(linesOf(log()).map(({ code }) => code)).toContain('stopping')
      if (words[0] === 'serve') expect(running.err()).toBe('')
    }
  })

  it('is text on a terminal', { timeout: 60_000 }, async () => {
    const { folder, port } = await project()
    await flaky(port)
    const printed: string[] = []
    const code = await main(['run', 'orders.yaml'], {
      cwd: folder,
      env: env,
      out: (text) => void printed.push(text),
      err: (text) => void printed.push(text),
      terminal: true,
      columns: 100,
      stopSignal: () => new AbortController().signal,
    })
    expect(code).toBe(0)
    expect(printed.join('')).toContain('orders: run 1 finished')
    expect(printed.filter((text) => text.startsWith('{'))).toEqual([])
    expect(printed.join('')).not.toContain(token)
  })

  it('says that a port is taken in one sentence, with a code', async () => {
    const { folder, port } = await project()
    await flaky(port)
    for (const words of [
      ['run', 'orders.yaml', '--metrics-port', String(port)],
      ['serve', '--port', String(port)],
    ]) {
      const { code, err } = await pipe(words, folder, env)
      expect(code).toBe(3)
      expect(err).toContain(`error cannot_listen: 127.0.0.1:${port} is in use by another program\n`)
    }
  })
})
