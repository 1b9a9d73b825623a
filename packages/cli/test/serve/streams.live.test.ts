/** Messages of real brokers in the console: the same pages and counts as of the embedded log. */
import { randomUUID } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Message, MessagePage } from '@millrace/console/wire'
import { liveUrl } from '@millrace/testkit'
import { describe, expect, it } from 'vitest'
import { freshFolder, pipe } from '../terminal.ts'
import { open } from './console.ts'

const kafka = liveUrl('KAFKA')?.replace(/^\w+:\/\//, '')
const kinesis = liveUrl('KINESIS')
const secrets = { MILLRACE_SECRET_ID: 'test', MILLRACE_SECRET_KEY: 'test' }

const systems: readonly (readonly [type: string, url: string | undefined, config: string])[] = [
  ['kafka', kafka, `brokers: ["${kafka}"], create: { partitions: 3 }`],
  [
    'kinesis',
    kinesis,
    `region: us-east-1, endpoint: "${kinesis}", create: { shards: 3 },
      credentials: { access_key_id: "\${secret:id}", secret_access_key: "\${secret:key}" }`,
  ],
]

describe.each(systems)('messages of %s in the console', (type, url, config) => {
  it.skipIf(!url)('come newest first, each once, with their keys, up to a time', { timeout: 120_000 }, async () => {
    const folder = freshFolder()
    const stream = `looked-at-${randomUUID().slice(0, 8)}`
    mkdirSync(join(folder, 'pipelines'))
    writeFileSync(join(folder, 'millrace.yaml'), `connections:\n  events: { type: ${type}, config: { ${config} } }\n`)
    const numbers = Array.from({ length: 120 }, (_, n) => n)
    writeFileSync(join(folder, 'in.csv'), `n,customer\n${numbers.map((n) => `${n},c${n % 10}`).join('\n')}\n`)
    writeFileSync(
      join(folder, 'pipelines/write.yaml'),
      `version: 1
name: write
source: { type: csv, config: { path: in.csv }, schema: { fields: { n: integer, customer: string } } }
sinks: { stream: { connection: events, config: { stream: ${stream}, key: customer } } }
`,
    )
    const { ask, signIn } = await open(['console', '--port', '0', '--json'], folder, secrets)
    await signIn()
    const path = `/api/streams/events/${stream}/messages`
    expect(await pipe(['run', 'write'], folder, { ...process.env, ...secrets } as never)).toMatchObject({ code: 0 })
    const afterwards = new Date(Date.now() + 60_000).toISOString()
    for (const more of ['', `&until=${encodeURIComponent(afterwards)}`]) {
      const all: Message[] = []
      for (let before: string | null | undefined; before !== null; ) {
        const next = before === undefined ? more : `&before=${encodeURIComponent(before)}`
        const answer = await ask(`${path}?limit=50${next}`)
        expect(answer.status, answer.text).toBe(200)
        const page = answer.json<MessagePage>()
        expect(page.splits).toHaveLength(3)
        all.push(...page.messages)
        before = page.older
      }
      const read = all.map(({ text }) => JSON.parse(text!) as { n: number; customer: string })
      expect(read.map(({ n }) => n).toSorted((a, b) => a - b)).toEqual(numbers)
      expect(all.map(({ key }) => key)).toEqual(read.map(({ customer }) => customer))
      for (const split of new Set(all.map((message) => message.split))) {
        const positions = all.filter((message) => message.split === split).map(({ position }) => BigInt(position))
        expect(positions).toEqual(positions.toSorted((a, b) => (a < b ? 1 : -1)))
      }
    }
    const found = (await ask(`${path}?search=c7`)).json<MessagePage>()
    expect([found.messages.length, found.looked]).toEqual([12, 120])
    const [{ split, position, atMs }] = found.messages as [Message]
    const one = await ask(`${path.replace(/s$/, '')}?${new URLSearchParams({ split, position, at: String(atMs) })}`)
    expect(one.json<Message>()).toMatchObject({ split, position, isCut: false })
  })
})
