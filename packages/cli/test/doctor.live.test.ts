/** `pipe doctor` against a real broker and a real MongoDB. */
import { randomUUID } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { liveUrl } from '@millrace/testkit'
import { describe, expect, it } from 'vitest'
import { freshFolder, pipe } from './terminal.ts'

const brokers = liveUrl('KAFKA')?.replace(/^\w+:\/\//, '')
const mongodb = liveUrl('MONGODB')

describe.skipIf(!brokers || !mongodb)('pipe doctor against real servers', () => {
  it('reports what exists, and a topic that does not', async () => {
    const folder = freshFolder()
    for (const name of ['profiles', 'pipelines', 'data']) mkdirSync(join(folder, name))
    const stream = `doctor-${randomUUID()}`
    writeFileSync(join(folder, 'millrace.yaml'), 'connections: { events: stream, store: documents }\n')
    writeFileSync(join(folder, 'data/in.csv'), 'id\n1\n')
    writeFileSync(
      join(folder, 'profiles/real.yaml'),
      `connections:
  events: { type: kafka, config: { brokers: ["${brokers}"] } }
  store: { type: mongodb, config: { url: "\${secret:url}", database: doctor } }
`,
    )
    const spec = (name: string, topic: string) =>
      writeFileSync(
        join(folder, `pipelines/${name}.yaml`),
        `version: 1
name: ${name}
source: { connection: events, config: { stream: ${topic}, stop: end }, schema: { fields: { id: integer } } }
sinks: { documents: { connection: store, config: { collection: orders, key: id } } }
`,
      )
    spec('there', stream)
    spec('gone', `${stream}-gone`)
    writeFileSync(
      join(folder, 'pipelines/make.yaml'),
      `version: 1
name: make
source: { type: csv, config: { path: data/in.csv }, schema: { fields: { id: integer } } }
sinks: { out: { type: kafka, config: { brokers: ["${brokers}"], stream: ${stream}, create: { partitions: 2 } } } }
`,
    )
    const env = { MILLRACE_SECRET_URL: mongodb! }
    expect(await pipe(['run', 'make'], folder, env)).toMatchObject({ code: 0 })
    const there = await pipe(['doctor', 'there', '--profile', 'real'], folder, env)
    expect(there.out).toContain(`topic ${stream} has 2 partitions`)
    expect(there.out).toMatch(/MongoDB \d+\.\d+/)
    expect(there.code).toBe(0)
    expect(there.out).not.toContain(mongodb)
    const gone = await pipe(['doctor', 'gone', '--profile', 'real'], folder, env)
    expect(gone.code).toBe(3)
    expect(gone.out).toMatch(/FAILED +events \(kafka\)[\s\S]*ok +store \(mongodb\)/)
    expect(gone.out).toContain(`${stream}-gone`)
  }, 60_000)
})
