/** The console of `pipe serve`: what it answers, and to whom. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { request } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { routesOf } from '../../src/console/routes.ts'
import { freshFolder, pipe } from '../terminal.ts'
import { start } from './serving.ts'

const secret = 'a-secret-of-the-store'

function project(): string {
  const folder = freshFolder()
  mkdirSync(join(folder, 'pipelines'))
  writeFileSync(join(folder, 'millrace.yaml'), 'name: shop\n')
  writeFileSync(join(folder, 'data.csv'), 'n,name\n1,a\n2,<img src=x onerror=alert(1)>\nx,javascript:alert(1)\n')
  writeFileSync(
    join(folder, 'pipelines', 'numbers.yaml'),
    `version: 1
name: numbers
description: Numbers into a table.
source: { type: csv, config: { path: data.csv }, schema: { fields: { n: integer, name: string } } }
steps: [{ id: large, where: "n > 1" }]
sinks: { all: { type: sqlite, config: { path: store.db, collection: numbers } } }
on_error: { data: dead_letter }
dead_letter: { type: sqlite, config: { path: store.db, collection: bad } }
`,
  )
  writeFileSync(
    join(folder, 'pipelines', 'post.yaml'),
    `version: 1
name: post
schedule: { cron: "0 0 1 1 *" }
source: { type: csv, config: { path: data.csv }, schema: { fields: { n: string, name: string } } }
sinks: { all: { type: http, config: { url: "http://user:${secret}@127.0.0.1:9/" } } }
`,
  )
  writeFileSync(join(folder, 'pipelines', 'wrong.yaml'), 'version: 1\nname: wrong\nsource: { type: nothing }\n')
  return folder
}

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly text: string
  json<T = Record<string, unknown>>(): T
}

/** A console, and how to ask it: with everything that a browser sends, unless `headers` say otherwise. */
async function open(words: readonly string[] = ['serve', '--port', 'off', '--console', '0'], folder = project()) {
  const served = start(folder, process.env, ...words)
  let printed = ''
  for (const stream of [served.child.stdout!, served.child.stderr!])
    stream.on('data', (text) => (printed += String(text)))
  for (let i = 0; i < 1500 && !printed.includes('#token='); i++) await sleep(20)
  const url = new URL(/http:\/\/[^\s"]+#token=[\w-]+/.exec(printed)?.[0] ?? fail(printed))
  const token = url.hash.slice('#token='.length)
  let cookie = ''
  const ask = (path: string, headers: Record<string, string> = {}, body?: unknown, method?: string): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const post = body === undefined ? {} : { origin: url.origin, 'content-type': 'application/json' }
      const sent = request(
        {
          host: url.hostname,
          port: url.port,
          path,
          method: method ?? (body === undefined ? 'GET' : 'POST'),
          headers: { ...(cookie === '' ? {} : { cookie }), ...post, ...headers },
          agent: false,
        },
        (response) => {
          let text = ''
          response.setEncoding('utf8').on('data', (part: string) => (text += part))
          response.on('end', () =>
            resolve({
              status: response.statusCode!,
              headers: response.headers,
              text,
              json: <T>() => JSON.parse(text) as T,
            }),
          )
        },
      )
      sent.on('error', reject)
      sent.end(body === undefined ? undefined : JSON.stringify(body))
    })
  const signIn = async () => {
    const answer = await ask('/api/session', {}, { token })
    cookie = String(answer.headers['set-cookie']).split(';', 1)[0]!
    return answer
  }
  return { folder, served, url, token, ask, signIn }
}

const fail = (message: string): never => {
  throw new Error(message)
}

const changing = ['/api/pipelines/numbers/trigger', '/api/pipelines/numbers/dismiss']

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
    expect((await ask(changing[1]!, {}, { ids: letters.letters.map(({ id }) => id) })).json()).toEqual({ dismissed: 1 })
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
    expect(await statuses(ask('/api/pipelines'), ask('/api/live'), ask(changing[0]!, {}, {}))).toEqual([401, 401, 401])
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
      expect(await statuses(ask(changing[0]!, { origin }, {}))).toEqual([403])
    expect(await statuses(ask(changing[0]!, { 'sec-fetch-site': 'cross-site' }, {}))).toEqual([403])
    expect(await statuses(ask(changing[0]!, { 'content-type': 'text/plain' }, {}))).toEqual([422])
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
    const routes = Object.values(routesOf({} as never)).filter(({ changes }) => changes)
    expect(routes).toHaveLength(changing.length)
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
