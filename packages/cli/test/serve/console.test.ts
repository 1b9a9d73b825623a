/** The console of `pipe serve`: what it answers, and to whom. */
import { readdirSync } from 'node:fs'
import { connect } from 'node:net'
import { request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { routesOf } from '../../src/console/routes.ts'
import { pipe } from '../terminal.ts'
import { type Answer, open, project, secret } from './console.ts'

/** All that changes something, as the console has it. */
const changing = Object.entries(routesOf({} as never)).flatMap(([path, { changes }]) =>
  changes ? [path.replace('pipelines/*', 'pipelines/numbers').replace('runs/*', 'runs/1')] : [],
)
const trigger = '/api/pipelines/numbers/trigger'

describe('the console', () => {
  it('shows pipelines, runs, logs and bad records, and starts a run', { timeout: 90_000 }, async () => {
    const { ask, signIn, served } = await open()
    await signIn()
    const fleet = async () =>
      (await ask('/api/pipelines')).json<{ pipelines: { name: string; mood: string; sentence: string }[] }>().pipelines
    // What has errors comes first.
    expect((await fleet()).map(({ name, mood }) => [name, mood])).toEqual([
      ['pipelines/wrong.yaml', 'failed'],
      ['numbers', 'idle'],
      ['post', 'idle'],
    ])
    const { run } = (await ask('/api/pipelines/numbers/trigger', {}, {})).json<{ run: { id: number } }>()
    await served.seen('numbers', 'succeeded')
    expect((await ask(`/api/runs/${run.id}`)).json()).toMatchObject({
      pipeline: 'numbers',
      state: 'succeeded',
      cause: 'trigger',
      counts: { read: 3, written: 2, failed: 1 },
    })
    expect((await fleet())[1]).toMatchObject({ name: 'numbers', sentence: `Run ${run.id} succeeded` })
    const log = (await ask(`/api/runs/${run.id}/log?search=STARTED`)).json<{ lines: unknown[]; total: number }>()
    expect([log.lines.length, log.total > 1]).toEqual([1, true])
    const graph = (await ask('/api/pipelines/numbers')).json<{ graph: { nodes: { id: string }[]; edges: unknown[] } }>()
    expect(graph.graph.nodes.map(({ id }) => id)).toEqual(['source', 'large', 'all', 'dead_letter'])
    const letters = (await ask('/api/pipelines/numbers/letters')).json<{ letters: { id: string; text: string }[] }>()
    expect(letters.letters.map(({ text }) => text.trim())).toEqual(['x,javascript:alert(1)'])
    expect(
      (await ask('/api/pipelines/numbers/dismiss', {}, { ids: letters.letters.map(({ id }) => id) })).json(),
    ).toEqual({ dismissed: 1 })
    expect((await ask('/api/pipelines/numbers/letters')).json()).toMatchObject({ total: 0 })
  })

  it('is there without `pipe serve`, with the numbers of the last save', { timeout: 90_000 }, async () => {
    const folder = project()
    expect(await pipe(['run', 'numbers'], folder)).toMatchObject({ code: 0 })
    const { ask, signIn } = await open(['console', '--port', '0', '--json'], folder)
    await signIn()
    const { pipelines } = (await ask('/api/pipelines')).json<{ pipelines: { name: string; sentence: string }[] }>()
    expect(pipelines.map(({ name, sentence }) => [name, sentence])).toEqual([
      ['pipelines/wrong.yaml', 'Its spec has errors, so it is not served.'],
      ['numbers', 'Its last run has ended'],
      ['post', 'It has not run yet'],
    ])
    expect((await ask('/api/pipelines/numbers/letters')).json()).toMatchObject({ total: 1 })
    const refused = await ask('/api/pipelines/numbers/trigger', {}, {})
    expect([refused.status, refused.json()]).toMatchObject([422, { error: { code: 'not_served' } }])
  })

  it('sends snapshots of live numbers, whose counts are those of the run', { timeout: 90_000 }, async () => {
    const { ask, signIn, url } = await open()
    const cookie = String((await signIn()).headers['set-cookie']).split(';', 1)[0]!
    let text = ''
    const stream = request({ host: url.hostname, port: url.port, path: '/api/live', headers: { cookie } }, (response) =>
      response.setEncoding('utf8').on('data', (part: string) => (text += part)),
    )
    stream.end()
    onTestFinished(() => void stream.destroy())
    await ask('/api/pipelines/numbers/trigger', {}, {})
    const last = () => {
      const line = text.split('\n').findLast((each) => each.startsWith('data: ')) ?? 'data: {}'
      return (JSON.parse(line.slice('data: '.length)) as Record<string, { isRunning: boolean }>)['numbers']
    }
    for (let i = 0; i < 1500 && (last() === undefined || last()!.isRunning); i++) await sleep(20)
    expect(last()).toMatchObject({
      isRunning: false,
      nodes: {
        source: { in: 3, out: 2, failed: 1, codes: { not_integer: 1 } },
        large: { in: 2, out: 1, filtered: 1 },
        all: { in: 1, out: 1 },
      },
    })
  })

  it('answers nobody but its own pages', { timeout: 90_000 }, async () => {
    const { ask, signIn, url, folder } = await open()
    const statuses = async (...asked: Promise<Answer>[]) => (await Promise.all(asked)).map(({ status }) => status)
    // Without a session, or with a wrong token.
    expect(await statuses(ask('/api/pipelines'), ask('/api/live'), ask(trigger, {}, {}))).toEqual([401, 401, 401])
    expect(await statuses(ask('/api/session', {}, { token: 'guess' }), ask('/api/session', {}, { token: 1 }))).toEqual([
      401, 401,
    ])
    expect((await signIn()).headers['set-cookie']).toEqual([
      expect.stringMatching(new RegExp(`^millrace-${url.port}=[\\w-]+; HttpOnly; SameSite=Strict; Path=/$`)),
    ])
    // A name that was pointed at this machine, and pages from elsewhere.
    const host = `attacker.example:${url.port}`
    expect(await statuses(ask('/', { host }), ask('/api/pipelines', { host }))).toEqual([421, 421])
    for (const origin of ['http://attacker.example', 'null', `http://127.0.0.1:1`, `https://127.0.0.1:${url.port}`])
      expect(await statuses(ask(trigger, { origin }, {}))).toEqual([403])
    expect(await statuses(ask(trigger, { 'sec-fetch-site': 'cross-site' }, {}))).toEqual([403])
    expect(await statuses(ask(trigger, { 'content-type': 'text/plain' }, {}))).toEqual([422])
    // What changes something is no GET, and what does not is no POST.
    for (const path of changing) expect(await statuses(ask(path))).toEqual([405])
    expect(await statuses(ask('/api/pipelines', {}, {}), ask('/', {}, {}), ask('/', {}, undefined, 'PUT'))).toEqual([
      405, 405, 405,
    ])
    // Files of the console only.
    for (const path of ['/../package.json', '/..%2fpackage.json', '/%2e%2e/%2e%2e/package.json', '/assets/../../a.js'])
      expect((await ask(path)).text).not.toContain('"name"')
    expect(
      await statuses(ask('/assets/none.js'), ask('/api/none'), ask('/api/runs/9'), ask('/api/pipelines/%')),
    ).toEqual([404, 404, 404, 404])
    const page = await ask('/pipelines/numbers')
    expect([page.status, page.headers['content-security-policy'], page.headers['x-content-type-options']]).toEqual([
      200,
      expect.stringContaining("default-src 'none'"),
      'nosniff',
    ])
    expect(page.text).not.toMatch(/https?:\/\//)
    // Nothing ran.
    expect(readdirSync(folder)).not.toContain('store.db')
  })

  it('tells no secret', { timeout: 90_000 }, async () => {
    const { ask, signIn, token, served } = await open()
    await signIn()
    await ask('/api/pipelines/post/trigger', {}, {})
    await served.seen('post', 'starting')
    const paths = [
      '/api/project',
      '/api/pipelines',
      '/api/pipelines/post',
      '/api/runs',
      '/api/runs/1',
      '/api/runs/1/log',
      '/api/pipelines/post/state',
      '/api/connections',
      '/api/connections/doctor',
      '/api/streams',
      '/api/collections',
    ]
    for (const path of paths) {
      const { status, text } = await ask(path)
      expect([path, status]).toEqual([path, 200])
      expect(text).not.toContain(secret)
      expect(text).not.toContain(token)
    }
    expect(JSON.stringify(served.lines())).not.toContain(token)
  })

  it('changes nothing when it is read-only', { timeout: 90_000 }, async () => {
    expect(changing.toSorted()).toEqual([
      '/api/pipelines/numbers/dismiss',
      '/api/pipelines/numbers/replay',
      trigger,
      '/api/runs/1/cancel',
    ])
    const { ask, signIn } = await open(['serve', '--port', 'off', '--console', '0', '--read-only'])
    await signIn()
    for (const path of changing)
      expect((await ask(path, {}, { ids: [] })).json()).toEqual({ error: { code: 'read_only' } })
    expect((await ask('/api/runs')).json()).toMatchObject({ runs: [] })
    expect((await ask('/api/project')).json()).toMatchObject({ isReadOnly: true })
  })

  it('answers beside two thousand connections that say nothing', { timeout: 90_000 }, async () => {
    const { ask, signIn, url } = await open()
    const idle = Array.from({ length: 2000 }, () => connect(Number(url.port), url.hostname).on('error', () => {}))
    onTestFinished(() => idle.forEach((socket) => socket.destroy()))
    await Promise.all(idle.map((socket) => new Promise((resolve) => socket.once('connect', resolve))))
    await signIn()
    expect((await ask('/api/pipelines')).status).toBe(200)
  })
})
