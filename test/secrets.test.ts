/**
 * Secrets are printed and stored nowhere (invariant 12), even where they stand in the spec itself: each secret option
 * of every connector, through the commands and their failures, with a server that sends back what it was sent.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { hiddenJson, hide, hidePassword, hideSecrets, type OptionSchema } from '@millrace/core'
import { beforeAll, describe, expect, it } from 'vitest'
import { freshFolder, pipe } from '../packages/cli/test/terminal.ts'
import { allDefinitions } from '../scripts/definitions.ts'

const mark = 'Zq7/w?x'
const written = encodeURIComponent(mark)
/** Every form in which the mark would be readable, also cut where an address may be. */
const readable = [mark, written, Buffer.from(mark).toString('base64'), Buffer.from(`u:${mark}`).toString('base64')]

/** Where secrets are in the spec below, as `kind type.option`. */
const covered = [
  'sink dynamodb.credentials.access_key_id',
  'sink dynamodb.credentials.secret_access_key',
  'sink dynamodb.credentials.session_token',
  'sink http.auth.basic.password',
  'sink http.auth.bearer',
  'sink http.auth.oauth2.client_secret',
  'sink http.headers',
  'sink http.proxy',
  'sink kafka.sasl.password',
  'sink kinesis.credentials.access_key_id',
  'sink kinesis.credentials.secret_access_key',
  'sink kinesis.credentials.session_token',
  'sink mongodb.password',
  'sink mongodb.url',
  'sink postgres.password',
  'sink postgres.url',
  'sink redshift.credentials.access_key_id',
  'sink redshift.credentials.secret_access_key',
  'sink redshift.credentials.session_token',
  'sink redshift.password',
  'sink redshift.url',
  'sink s3.credentials.access_key_id',
  'sink s3.credentials.secret_access_key',
  'sink s3.credentials.session_token',
  'source dynamodb.credentials.access_key_id',
  'source dynamodb.credentials.secret_access_key',
  'source dynamodb.credentials.session_token',
  'source http.signature.secret',
  'source http.token',
  'source http_poll.auth.basic.password',
  'source http_poll.auth.bearer',
  'source http_poll.auth.oauth2.client_secret',
  'source http_poll.headers',
  'source http_poll.proxy',
  'source kafka.sasl.password',
  'source kinesis.credentials.access_key_id',
  'source kinesis.credentials.secret_access_key',
  'source kinesis.credentials.session_token',
  'source mongodb.password',
  'source mongodb.url',
  'source s3.credentials.access_key_id',
  'source s3.credentials.secret_access_key',
  'source s3.credentials.session_token',
]

const spec = (port: number) => `version: 1
name: marked
sources:
  polled:
    type: http_poll
    config: { url: "http://127.0.0.1:${port}/rows", stop: end, allow_private: true, auth: { bearer: "${mark}" }, headers: { X-Key: "${mark}" } }
    schema: { fields: { n: integer } }
sinks:
  posted: { from: polled, type: http, config: { url: "http://u:${written}@127.0.0.1:${port}/in", headers: { X-Key: "${mark}" } } }
  basic: { from: polled, type: http, config: { url: "http://127.0.0.1:${port}/in", auth: { basic: { username: u, password: "${mark}" } } } }
  bearer: { from: polled, type: http, config: { url: "http://127.0.0.1:${port}/in", auth: { bearer: "${mark}" } } }
on_error: { data: dead_letter }
dead_letter: { type: files, config: { path: bad.jsonl } }
`

const aws = `region: r, endpoint: "http://127.0.0.1:9", credentials: { access_key_id: "${mark}", secret_access_key: "${mark}", session_token: "${mark}" }`

const oauth2 = `{ oauth2: { token_url: "http://127.0.0.1:9/", client_id: u, client_secret: "${mark}" } }`

const streams = `version: 1
name: streams
sources:
  gate:
    type: http
    config: { port: 0, path: /x, token: "${mark}", signature: { secret: "${mark}" } }
    schema: { fields: { n: integer } }
  topic:
    type: kafka
    config: { stream: s, brokers: ["127.0.0.1:9"], sasl: { mechanism: PLAIN, username: u, password: "${mark}" } }
    schema: { fields: { n: integer } }
  asked:
    type: http_poll
    config: { url: "http://127.0.0.1:9/", proxy: "http://u:${written}@127.0.0.1:9", auth: ${oauth2} }
    schema: { fields: { n: integer } }
  known:
    type: http_poll
    config: { url: "http://127.0.0.1:9/x", auth: { basic: { username: u, password: "${mark}" } } }
    schema: { fields: { n: integer } }
  documents:
    type: mongodb
    config: { url: "mongodb://u:${mark}@127.0.0.1:9/d", database: d, collection: a, username: u, password: "${mark}" }
    schema: { fields: { n: integer } }
  shards:
    type: kinesis
    config: { stream: s, ${aws} }
    schema: { fields: { n: integer } }
  items:
    type: dynamodb
    config: { collection: items, ${aws} }
    schema: { fields: { n: integer } }
  objects:
    type: s3
    config: { bucket: bbb, path: in/, ${aws} }
    schema: { fields: { n: integer } }
sinks:
  posted:
    from: [gate, asked, known, topic, documents, shards, items, objects]
    type: http
    config: { url: "http://127.0.0.1:9/", proxy: "http://u:${written}@127.0.0.1:9", auth: ${oauth2} }
  lake:
    from: [gate, asked, known, topic, documents, shards, items, objects]
    type: s3
    config: { bucket: bbb, path: out/, ${aws} }
  kinesis:
    from: [gate, asked, known, topic, documents, shards, items, objects]
    type: kinesis
    config: { stream: t, key: n, ${aws} }
  dynamodb:
    from: [gate, asked, known, topic, documents, shards, items, objects]
    type: dynamodb
    config: { collection: items, key: n, ${aws} }
  postgres:
    from: [gate, asked, known, topic, documents, shards, items, objects]
    type: postgres
    config: { url: "postgres://u:${mark}@127.0.0.1:9/d", table: items, key: n, password: "${mark}" }
  redshift:
    from: [gate, asked, known, topic, documents, shards, items, objects]
    type: redshift
    config: { url: "postgres://u:${mark}@127.0.0.1:9/d", table: items, key: n, password: "${mark}", bucket: bbb, ${aws} }
  k:
    from: [gate, asked, known, topic, documents, shards, items, objects]
    type: kafka
    config: { stream: t, brokers: ["127.0.0.1:9"], key: n, sasl: { mechanism: PLAIN, username: u, password: "${mark}" } }
  m:
    from: [gate, asked, known, topic, documents, shards, items, objects]
    type: mongodb
    config: { url: "mongodb://u:${mark}@127.0.0.1:9/d", database: d, collection: b, key: n, username: u, password: "${mark}" }
`

/** Answers rows to a GET; refuses a POST, and tells all that it was sent. */
async function echoing() {
  const server = createServer((request, response) => {
    if (request.method === 'GET') {
      response.end('[{"n":1}]')
      return
    }
    response.writeHead(422, { 'content-type': 'text/plain' })
    response.end(`refused: ${JSON.stringify(request.headers)}`)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { port: (server.address() as AddressInfo).port, close: () => server.close() }
}

/** The files below a folder, with their bytes as latin1. */
const filesIn = (folder: string): (readonly [path: string, text: string])[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => [path, readFileSync(path, 'latin1')])

const found = (text: string) => readable.filter((form) => text.includes(form))

describe('secrets that stand in a spec', () => {
  let secrets: readonly string[]
  beforeAll(async () => {
    const options = (schema: OptionSchema, path: string): string[] => {
      if (schema.format === 'secret') return [path]
      const inner = Object.entries(schema.properties ?? {}).flatMap(([name, each]) => options(each, `${path}.${name}`))
      const others = typeof schema.additionalProperties === 'object' ? options(schema.additionalProperties, path) : []
      return [...inner, ...others, ...(schema.anyOf ?? []).flatMap((each) => options(each, path))]
    }
    secrets = (await allDefinitions()).flatMap(({ definition: { kind, type, options: schema } }) =>
      options(schema, `${kind} ${type}`),
    )
  })

  it('are all in the specs of this test', () => {
    expect([...new Set(secrets)].sort()).toEqual(covered)
  })

  it('are neither printed nor stored, though a server sends them back', async () => {
    const server = await echoing()
    const folder = freshFolder()
    mkdirSync(join(folder, 'pipelines'))
    writeFileSync(join(folder, 'millrace.yaml'), 'version: 1\n')
    const path = join(folder, 'pipelines/marked.yaml')
    writeFileSync(path, spec(server.port))
    try {
      const run = await pipe(['run', 'marked'], folder)
      expect(run.code, run.err).toBe(0)
      expect(readFileSync(join(folder, 'bad.jsonl'), 'utf8')).toContain('refused: ')
      for (const words of [
        ['check', 'marked'],
        ['plan', 'marked'],
        ['plan', 'marked', '--json'],
        ['preview', 'marked'],
        ['doctor', 'marked'],
        ['dead-letter', 'list', 'marked'],
        ['dead-letter', 'list', 'marked', '--json'],
        ['run', 'marked', '--json'],
      ]) {
        const { out, err } = await pipe(words, folder)
        expect([words.join(' '), found(out + err)]).toEqual([words.join(' '), []])
      }
      // What an edit compares with is saved: after a changed secret both are told apart.
      writeFileSync(path, spec(server.port).replace(`headers: { X-Key: "${mark}"`, 'headers: { X-Key: "other"'))
      const edited = await pipe(['plan', 'marked'], folder)
      expect(found(edited.out + edited.err)).toEqual([])
      expect(filesIn(folder).filter(([file, text]) => file !== path && found(text).length > 0)).toEqual([])
    } finally {
      server.close()
    }
  })

  it('are not printed by findings and failures', async () => {
    const folder = freshFolder()
    mkdirSync(join(folder, 'pipelines'))
    writeFileSync(join(folder, 'millrace.yaml'), 'version: 1\n')
    const path = join(folder, 'pipelines/streams.yaml')
    writeFileSync(path, streams)
    for (const words of [
      ['check', 'streams'],
      ['check', 'streams', '--format', 'sarif'],
      ['plan', 'streams', '--json'],
      ['doctor', 'streams'],
      ['doctor', 'streams', '--json'],
    ]) {
      const { out, err } = await pipe(words, folder)
      expect([words.join(' '), found(out + err)]).toEqual([words.join(' '), []])
    }
    writeFileSync(path, streams.replaceAll('brokers', 'brockers').replaceAll('username: u', 'username: [u]'))
    for (const format of ['text', 'json', 'sarif', 'github']) {
      const { code, out, err } = await pipe(['check', 'streams', '--format', format], folder)
      expect([code, found(out + err)]).toEqual([2, []])
      expect(out + err).toContain('brockers')
    }
  })

  it('an address that cannot be read is a finding that does not repeat it', async () => {
    const folder = freshFolder()
    mkdirSync(join(folder, 'pipelines'))
    writeFileSync(join(folder, 'millrace.yaml'), 'version: 1\n')
    writeFileSync(join(folder, 'pipelines/marked.yaml'), spec(9).replace(written, mark))
    const { code, err } = await pipe(['check', 'marked'], folder)
    expect(code).toBe(2)
    expect(err).toMatch(/bad_value\n {2}`url` is not an address[\s\S]*write `\/` as %2F/)
    expect(found(err)).toEqual([])
    for (const part of mark.split(/[/?]/)) expect(err).not.toContain(`:${part}`)
  })
})

it('a secret is hidden in every form, an address but for its password', () => {
  hideSecrets(['tök"en&1', 'mongodb://user:p%40ssw0rd@host/db'])
  hidePassword('https://user:hid/den@host:1/path')
  for (const form of ['tök"en&1', 't%C3%B6k%22en%261', 'tök\\"en&1', 'p%40ssw0rd', 'p@ssw0rd', 'hid/den', 'hid'])
    expect(hide(`a ${form} b`)).toBe('a *** b')
  expect(hide('https://host:1/path')).toBe('https://host:1/path')
  expect(hide('is "tök"en&1" |', true)).toBe('is "********" |')
  hideSecrets(['000'])
  expect(hiddenJson({ bytes: 1_000_000, what: '1000' })).toBe('{"bytes":1000000,"what":"1***"}')
})
