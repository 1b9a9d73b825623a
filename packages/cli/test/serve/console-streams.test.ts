/** Messages in the console: newest first over all partitions, each once, counted exactly, as they are. */
import { request } from 'node:http'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { logPath, openLog } from '@millrace/client-log'
import type { Gap, Message, MessagePage, TailTick } from '@millrace/console/wire'
import { describe, expect, it, onTestFinished } from 'vitest'
import { freshFolder } from '../terminal.ts'
import { open } from './console.ts'

const clicks = '/api/streams/events/clicks'
const t0 = Date.parse('2026-03-01T09:00:00Z')

interface Sent {
  readonly partition: number
  readonly value: string
  readonly key?: string
  readonly at?: number
}

/** A project that reads a stream of three partitions, and how to write to it. */
function project() {
  const folder = freshFolder()
  mkdirSync(join(folder, 'pipelines'))
  writeFileSync(
    join(folder, 'millrace.yaml'),
    'name: shop\nconnections:\n  events: { type: log, config: { path: events } }\n',
  )
  writeFileSync(
    join(folder, 'pipelines', 'clicks.yaml'),
    `version: 1
name: clicks
source: { connection: events, config: { stream: clicks }, schema: { fields: { n: integer } } }
sinks: { none: { type: null } }
`,
  )
  const log = openLog(logPath(join(folder, 'events'), 'clicks'), { partitions: 3 })!
  onTestFinished(() => log.close())
  let n = 0
  const write = (...sent: readonly Sent[]) =>
    log.append(
      sent.map(({ partition, value, key, at }) => {
        const body = Buffer.from(value)
        const ends = Int32Array.of(body.length)
        const keys = key === undefined ? undefined : [key]
        const headers = [[['trace', `t${n}`]] as const]
        return { partition, count: 1, time: at ?? t0 + n, ids: [`id${n++}`], keys, headers, body, ends }
      }),
    )
  return { folder, write }
}

const shown = ({ split, position, text }: Message) => `${split}:${position} ${text}`
const beside = ['console', '--port', '0', '--json']

/** Follows a stream until `isEnough`. */
async function follow(
  { url, cookie }: { readonly url: URL; readonly cookie: string },
  query: string,
  isEnough: (ticks: readonly TailTick[]) => boolean,
): Promise<readonly TailTick[]> {
  let text = ''
  const path = `${clicks}/tail?${query}`
  const stream = request({ host: url.hostname, port: url.port, path, headers: { cookie } }, (response) =>
    response.setEncoding('utf8').on('data', (part: string) => (text += part)),
  )
  stream.on('error', () => {})
  stream.end()
  const ticks = () =>
    text
      .split('\n\n')
      .slice(0, -1)
      .flatMap((event) => (event.startsWith('data: ') ? [JSON.parse(event.slice(6)) as TailTick] : []))
  for (let i = 0; i < 1000 && !isEnough(ticks()); i++) await sleep(20)
  stream.destroy()
  expect(isEnough(ticks()), text.slice(-2000)).toBe(true)
  return ticks()
}

describe('messages in the console', { timeout: 90_000 }, () => {
  it('come newest first over all partitions, each once, whatever their times, page by page', async () => {
    const { folder, write } = project()
    for (let i = 0; i < 25; i++) write({ partition: i % 3, value: `{"n":${i}}` })
    // Written last, with a time of long ago.
    write({ partition: 1, value: '{"n":"replayed"}', at: 5 })
    const { ask, signIn } = await open(beside, folder)
    await signIn()
    expect((await ask('/api/streams')).json()).toEqual({
      streams: [{ place: 'events', stream: 'clicks', type: 'log', readBy: ['clicks'], writtenBy: [] }],
    })
    const all: Message[] = []
    for (let before: string | null | undefined; before !== null; ) {
      const more = before === undefined ? '' : `&before=${encodeURIComponent(before)}`
      const page = (await ask(`${clicks}/messages?limit=7${more}`)).json<MessagePage>()
      expect(page.messages.length).toBeLessThanOrEqual(7)
      all.push(...page.messages)
      before = page.older
      expect(page.splits).toEqual([
        { split: '0', range: { first: 0, next: 9 } },
        { split: '1', range: { first: 0, next: 9 } },
        { split: '2', range: { first: 0, next: 8 } },
      ])
    }
    expect(all.slice(0, 4).map(shown)).toEqual([
      '0:8 {"n":24}',
      '2:7 {"n":23}',
      // It came after the one before it in its partition, so it is no older than that.
      '1:8 {"n":"replayed"}',
      '1:7 {"n":22}',
    ])
    expect(all).toHaveLength(26)
    expect(new Set(all.map(shown)).size).toBe(26)
    for (const split of ['0', '1', '2']) {
      const positions = all.filter((message) => message.split === split).map(({ position }) => Number(position))
      expect(positions).toEqual(positions.toSorted((a, b) => b - a))
    }
    // Up to a time.
    const until = new Date(t0 + 10).toISOString()
    const early = (await ask(`${clicks}/messages?limit=3&until=${until}`)).json<MessagePage>()
    expect(early.messages.map(shown)).toEqual(['0:3 {"n":9}', '2:2 {"n":8}', '1:2 {"n":7}'])
    expect((await ask('/api/streams/events/none/messages')).status).toBe(404)
  })

  it('are found by text that is no pattern and no code, and say how many were looked at', async () => {
    const { folder, write } = project()
    for (const value of ['{"n":"a.*b"}', '{"n":"axxb"}', '{"n":"${7*7}"}', '{"n":"</script>"}'])
      write({ partition: 0, value, key: 'Ada' })
    const { ask, signIn } = await open(beside, folder)
    await signIn()
    const found = async (search: string) => {
      const answer = await ask(`${clicks}/messages?search=${encodeURIComponent(search)}`)
      const { messages, looked } = answer.json<MessagePage>()
      return [messages.map(({ text }) => text), looked]
    }
    expect(await found('A.*B')).toEqual([['{"n":"a.*b"}'], 4])
    expect(await found('${7*7}')).toEqual([['{"n":"${7*7}"}'], 4])
    expect(await found('ada')).toMatchObject([{ length: 4 }, 4])
    expect(await found('(')).toEqual([[], 4])
  })

  it('are sent as they are: large ones by their beginning first, bytes that are no text as bytes', async () => {
    const { folder, write } = project()
    const large = `{"n":9007199254740993,"text":"${'ä'.repeat(160_000)}"}`
    write({ partition: 0, value: large })
    const { ask, signIn } = await open(beside, folder)
    await signIn()
    const [listed] = (await ask(`${clicks}/messages`)).json<MessagePage>().messages
    expect(listed).toMatchObject({ bytes: Buffer.byteLength(large), isCut: true, headers: [['trace', 't0']] })
    expect(listed!.text!.length).toBeLessThan(1001)
    expect(large.startsWith(listed!.text!)).toBe(true)
    const whole = (await ask(`${clicks}/message?split=0&position=0`)).json<Message>()
    expect([whole.text === large, whole.isCut]).toEqual([true, false])
    expect((await ask(`${clicks}/message?split=0&position=1`)).status).toBe(404)
    for (const query of ['message?split=0&position=x', 'messages?before=x', 'messages?until=x', 'tail?from=1'])
      expect((await ask(`${clicks}/${query}`)).text).toContain('bad_value')
  })

  it('of a burst are counted exactly: at most 50 are sent at once, the others are gaps that can be loaded', async () => {
    const { folder, write } = project()
    write({ partition: 0, value: '{"n":"before"}' })
    const { ask, signIn, url } = await open(beside, folder)
    const cookie = String((await signIn()).headers['set-cookie']).split(';', 1)[0]!
    const { end } = (await ask(`${clicks}/messages`)).json<MessagePage>()
    const values = Array.from({ length: 1000 }, (_, i) => ({ partition: i % 3, value: `{"n":${i}}` }))
    write(...values)
    const came = (ticks: readonly TailTick[]) => ticks.at(-1)?.came ?? 0
    const ticks = await follow({ url, cookie }, `from=${encodeURIComponent(end)}`, (all) => came(all) >= 1000)
    expect(came(ticks)).toBe(1000)
    expect(Math.max(...ticks.map(({ messages }) => messages.length))).toBeLessThanOrEqual(50)
    const sent = ticks.flatMap(({ messages }) => messages)
    const gaps = ticks.flatMap((tick) => tick.gaps)
    expect(sent.length + gaps.reduce((sum, { messages }) => sum + messages, 0)).toBe(1000)
    // What was left out is what is loaded: a page at a time.
    const loaded: Message[] = []
    for (const { split, after, before } of gaps) {
      for (let from: Gap['before'] | null = before; from; ) {
        const query = new URLSearchParams({ split, after, before: JSON.stringify({ [split]: from }), limit: '100' })
        const page = (await ask(`${clicks}/messages?${query}`)).json<MessagePage>()
        loaded.push(...page.messages)
        from = page.older === null ? null : (JSON.parse(page.older) as Record<string, Gap['before'] | null>)[split]!
      }
    }
    const numbers = [...sent, ...loaded].map(({ text }) => Number((JSON.parse(text!) as { n: number }).n))
    expect(numbers.toSorted((a, b) => a - b)).toEqual(values.map((_, i) => i))
    // Paused, and on again from where it was: nothing is missed or counted twice.
    write({ partition: 2, value: '{"n":"late"}' })
    const again = await follow({ url, cookie }, `from=${encodeURIComponent(ticks.at(-1)!.end)}`, (all) => came(all) > 0)
    expect(again.flatMap(({ messages }) => messages).map(({ text }) => text)).toEqual(['{"n":"late"}'])
    // One partition alone.
    write({ partition: 0, value: '{"n":"zero"}' })
    const one = await follow(
      { url, cookie },
      `from=${encodeURIComponent(ticks.at(-1)!.end)}&split=0`,
      (all) => came(all) > 0,
    )
    expect(one.flatMap(({ messages }) => messages).map(({ text }) => text)).toEqual(['{"n":"zero"}'])
  })
})
