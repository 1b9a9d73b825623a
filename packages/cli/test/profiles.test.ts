/**
 * What is reported about a project under several profiles, and about the systems they bind. No server is needed here.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { freshFolder, pipe } from './terminal.ts'

const spec = `version: 1
name: events
source:
  connection: events
  config: { stream: orders, stop: end }
  schema: { fields: { id: integer, total: "decimal(10,2)", at: timestamp } }
steps:
  - where: "id > 0"
sinks:
  documents: { connection: store, config: { collection: orders, key: id } }
`

const remote = `connections:
  events: { type: kafka, config: { brokers: ["127.0.0.1:1"] } }
  store:
    type: mongodb
    config: { url: "mongodb://u:\${secret:store_password}@127.0.0.1:1/", database: shop }
`

/** A project with one pipeline and profiles by name. */
function project(profiles: Readonly<Record<string, string>>, text = spec): string {
  const folder = freshFolder()
  mkdirSync(join(folder, 'profiles'))
  mkdirSync(join(folder, 'pipelines'))
  writeFileSync(join(folder, 'millrace.yaml'), 'connections: { events: stream, store: documents }\n')
  writeFileSync(join(folder, 'pipelines/events.yaml'), text)
  for (const [name, yaml] of Object.entries(profiles)) writeFileSync(join(folder, `profiles/${name}.yaml`), yaml)
  return folder
}

const secret = { MILLRACE_SECRET_STORE_PASSWORD: 'geheim-4711' }

describe('pipe check --all-profiles', () => {
  it('passes when the specs pass under local and every profile of the project', async () => {
    const folder = project({ remote })
    expect(await pipe(['check', '--all-profiles'], folder, secret)).toMatchObject({
      code: 0,
      out: 'events: valid under local, remote\n',
    })
  })

  it('says which profile a finding belongs to', async () => {
    const folder = project({ remote, half: 'connections: { events: { type: log } }\n' })
    const { code, err, out } = await pipe(['check', '--all-profiles'], folder, secret)
    expect(code).toBe(2)
    expect(out).toBe('1 error\n')
    expect(err).toContain('error connection_unbound  (profile half)')
    expect(err).toContain('profiles/half.yaml')
  })

  it('reports once what is wrong under all of them, to programs too', async () => {
    const folder = project({ remote }, spec.replace('id > 0', 'idd > 0'))
    const { out } = await pipe(['check', '--all-profiles', '--json'], folder, secret)
    const { findings } = JSON.parse(out) as { findings: { code: string; profiles: string[] }[] }
    expect(findings).toHaveLength(1)
    expect(findings[0]!.profiles).toEqual(['local', 'remote'])
    const github = await pipe(['check', '--all-profiles', '--format', 'github'], folder, secret)
    expect(github.out).toContain('profiles local, remote')
  })

  it('cannot be combined with --profile', async () => {
    expect(await pipe(['check', '--all-profiles', '--profile', 'remote'], project({ remote }), secret)).toMatchObject({
      code: 2,
      err: expect.stringContaining('cannot be combined'),
    })
  })
})
describe('pipe doctor', () => {
  it('says what exists at each connection, and who uses it', async () => {
    const folder = project({})
    const { code, out } = await pipe(['doctor'], folder)
    expect(code).toBe(0)
    expect(out).toContain('ok         store (sqlite)  millrace.yaml:1:32')
    expect(out).toContain('used by events as sink documents')
    expect(out).toContain('no store yet at')
    expect(out).toMatch(/Every connection works\.\n$/)
  })

  it('explains what fails and where it is bound, exits with 3, and prints no secret', async () => {
    const folder = project({ remote })
    const { code, out, err } = await pipe(
      ['doctor', 'events', '--profile', 'remote', '--timeout', '1s'],
      folder,
      secret,
    )
    expect(code).toBe(3)
    expect(out).toMatch(/FAILED +events \(kafka\) +profiles\/remote\.yaml:2:3/)
    expect(out).toMatch(/FAILED +store \(mongodb\) +profiles\/remote\.yaml:3:3/)
    expect(out).toContain('127.0.0.1:1')
    expect(out).toMatch(/2 of 2 connections fail\.\n$/)
    expect(out + err).not.toContain('geheim')
    const { connections } = JSON.parse(
      (await pipe(['doctor', '--profile', 'remote', '--timeout', '300ms', '--json'], folder, secret)).out,
    ) as {
      connections: { state: string; error: { code: string; message: string } }[]
    }
    for (const { state, error } of connections)
      expect([state, typeof error.code, error.message.length > 0]).toEqual(['failed', 'string', true])
  })

  it('does not wait for a server that accepts the connection and says nothing', async () => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1')
    onTestFinished(() => void silent.close())
    await once(silent, 'listening')
    const { port } = silent.address() as AddressInfo
    const folder = project({ remote: remote.replace('"127.0.0.1:1"', `"127.0.0.1:${port}"`) })
    const { code, out } = await pipe(['doctor', '--profile', 'remote', '--timeout', '500ms'], folder, secret)
    expect(code).toBe(3)
    expect(out).toContain('no_answer: no answer within 0.5 s')
  })

  it('hides a password that is in the profile itself', async () => {
    const folder = project({ remote: remote.replace('${secret:store_password}', 'offen-42') })
    const { out } = await pipe(['doctor', '--profile', 'remote', '--timeout', '500ms'], folder)
    expect(out).toContain('mongodb://u:***@127.0.0.1:1/')
    expect(out).not.toContain('offen-42')
  })

  it('refuses a spec that is wrong before it connects', async () => {
    expect((await pipe(['doctor'], project({}, spec.replace('id > 0', 'idd > 0')))).code).toBe(2)
    expect(await pipe(['doctor', '--timeout', 'soon'], project({}))).toMatchObject({
      code: 2,
      err: expect.stringContaining('--timeout takes a duration'),
    })
  })
})

describe('pipe plan --compare', () => {
  const other = `connections:
  events: { type: log, config: { partitions: 3 } }
  store: { type: "null" }
`
  interface Aspect {
    readonly topic: string
    readonly of: string
    readonly values: readonly string[]
    readonly equal: boolean
  }

  it('tells people what differs and what stays', async () => {
    const { code, out } = await pipe(['plan', 'events', '--compare', 'local', 'remote'], project({ remote }), secret)
    expect(code).toBe(0)
    const [different, equal] = out.split('\nEqual:\n')
    expect(different).toMatch(/ {4}source\n {6}local {3}log\n {6}remote {2}kafka\n/)
    expect(different).toMatch(
      /documents\.total\n {6}local {3}decimal\(10,2\) as JSON string; TEXT\n {6}remote {2}decimal\(10,2\) as decimal\n/,
    )
    expect(different).toMatch(/source\.max_bytes\n {6}local {3}–\n {6}remote {2}1\.00 MiB\n/)
    expect(equal).toContain('where: where: "id > 0"')
    expect(equal).toContain('documents.key: id')
    expect(out).not.toContain('geheim')
  })

  it('reports the same to programs: guarantees with their weakest link, order, checkpoints, and every field of every sink', async () => {
    const { out } = await pipe(['plan', '--compare', 'local', 'remote', '--json'], project({ remote }), secret)
    const { profiles, aspects } = JSON.parse(out) as { profiles: string[]; aspects: Aspect[] }
    expect(profiles).toEqual(['local', 'remote'])
    const of = (topic: string, what: string) => aspects.find((aspect) => aspect.topic === topic && aspect.of === what)
    expect(of('delivery', 'pipeline')!.values[1]).toContain(
      'effectively-once; weakest: sink `documents`: upsert by _id',
    )
    expect(of('ordering', 'source')!.equal).toBe(true)
    expect(of('checkpoints', 'documents')!.equal).toBe(true)
    expect(aspects.filter(({ topic }) => topic === 'types').map((aspect) => aspect.of)).toEqual([
      'documents.id',
      'documents.total',
      'documents.at',
    ])
  })

  it('names the limits of a record, and how keys and numbers are stored', async () => {
    const aws = `connections:
  events: { type: kinesis, config: { region: eu-west-1 } }
  store: { type: dynamodb, config: { region: eu-west-1 } }
`
    const { out } = await pipe(['plan', '--compare', 'local', 'aws'], project({ aws }))
    expect(out).toMatch(/documents, a document\n {6}local {2}–\n {6}aws {4}400 KB/)
    expect(out).toMatch(/documents\.id\n {6}local {2}integer as .*\n {6}aws {4}integer as N\n/)
    expect(out).toMatch(/documents, a number\n {6}local {2}–\n {6}aws {4}38 digits/)
    // What one of them cannot hold is refused, with the reason and the profile.
    const wide = project({ remote, aws }, spec.replace('decimal(10,2)', 'decimal(36,2)'))
    const { code, err } = await pipe(['check', '--all-profiles'], wide, secret)
    expect(code).toBe(2)
    expect(err).toMatch(/error bad_value {2}\(profile remote\)[\s\S]*36 digits/)
    expect(err).not.toContain('profile aws')
  })

  it('names the limits of streams, objects and warehouses', async () => {
    const kafka = `connections:
  events: { type: kafka, config: { brokers: ["k:9092"] } }
  lake: { type: files }
  house: { type: sqlite }
`
    const aws = `connections:
  events: { type: kinesis, config: { region: eu-west-1 } }
  lake: { type: s3, config: { region: eu-west-1, bucket: demo-lake } }
  house:
    type: redshift
    config: { url: "postgres://house/d", region: eu-west-1, bucket: demo-lake, iam_role: default, max_text_bytes: 256 }
`
    const sinks = `sinks:
  messages: { connection: events, config: { stream: copies } }
  objects: { connection: lake, config: { path: o/, format: jsonl } }
  rows: { connection: house, config: { table: orders } }
`
    const root = project({ kafka, aws }, spec.replace(/sinks:[^]*/, sinks))
    writeFileSync(join(root, 'millrace.yaml'), 'connections: { events: stream, lake: objects, house: warehouse }\n')
    const { out, err } = await pipe(['plan', '--compare', 'kafka', 'aws'], root)
    expect(err).toBe('')
    expect(out).toMatch(
      /messages, a record\n {6}kafka {2}1048576 bytes of value.*\n {6}aws {4}1048576 bytes with its key/,
    )
    expect(out).toMatch(/objects, a key\n {6}kafka {2}–\n {6}aws {4}1,024 bytes/)
    expect(out).toMatch(/rows, a row\n {6}kafka {2}–\n {6}aws {4}4 MiB/)
    expect(out).toMatch(/rows, a text\n {6}kafka {2}–\n {6}aws {4}256 bytes/)
  })

  it('finds no difference between a profile and itself', async () => {
    const { out } = await pipe(['plan', '--compare', 'local', 'local'], project({}))
    expect(out).toContain('Different:\n  nothing\n')
  })

  it('says what is wrong under one of them, and requires two', async () => {
    expect(await pipe(['plan', '--compare', 'local', 'other'], project({ other }))).toMatchObject({ code: 2 })
    expect(await pipe(['plan', '--compare', 'local'], project({}))).toMatchObject({
      code: 2,
      err: expect.stringContaining('--compare needs two values'),
    })
    expect(await pipe(['plan', '--compare', 'local', 'none'], project({}))).toMatchObject({
      code: 2,
      err: expect.stringContaining('profile_missing'),
    })
  })
})
