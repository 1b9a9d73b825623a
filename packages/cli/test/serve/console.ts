/** A console as tests ask it, with everything that a browser sends. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freshFolder } from '../terminal.ts'
import { start } from './serving.ts'

/** A password in an address of the project. */
export const secret = 'a-secret-of-the-store'

/** A small project: numbers with a bad one, a sink that does not answer, a spec with errors. */
export function project(): string {
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

/** What was answered. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly text: string
  json<T = Record<string, unknown>>(): T
}

/** A console, and how to ask it: with everything that a browser sends, unless `headers` say otherwise. */
export async function open(
  words: readonly string[] = ['serve', '--port', 'off', '--console', '0'],
  folder = project(),
  env = {},
) {
  const served = start(folder, { ...process.env, ...env }, ...words)
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
