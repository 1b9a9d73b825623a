/** What is told of a project under several profiles, and of the systems they bind. No server is needed here. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
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

/** A project of one pipeline with profiles by name. */
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
  it('is right when the specs are under local and every profile of the project', async () => {
    const folder = project({ remote })
    expect(await pipe(['check', '--all-profiles'], folder, secret)).toMatchObject({ code: 0, out: 'events: right under local, remote\n' })
  })

  it('says which profile a finding belongs to', async () => {
    const folder = project({ remote, half: 'connections: { events: { type: log } }\n' })
    const { code, err, out } = await pipe(['check', '--all-profiles'], folder, secret)
    expect(code).toBe(2)
    expect(out).toBe('1 error\n')
    expect(err).toContain('error connection_unbound  (profile half)')
    expect(err).toContain('profiles/half.yaml')
  })

  it('tells once what is wrong under all of them, also to programs', async () => {
    const folder = project({ remote }, spec.replace('id > 0', 'idd > 0'))
    const { out } = await pipe(['check', '--all-profiles', '--json'], folder, secret)
    const { findings } = JSON.parse(out) as { findings: { code: string; profiles: string[] }[] }
    expect(findings).toHaveLength(1)
    expect(findings[0]!.profiles).toEqual(['local', 'remote'])
    const github = await pipe(['check', '--all-profiles', '--format', 'github'], folder, secret)
    expect(github.out).toContain('profiles local, remote')
  })

  it('is not to be had with --profile', async () => {
    expect(await pipe(['check', '--all-profiles', '--profile', 'remote'], project({ remote }), secret)).toMatchObject({
      code: 2,
      err: expect.stringContaining('exclude each other'),
    })
  })
})
