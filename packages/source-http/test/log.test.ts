import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { openIngestionLog, standardOutput } from '../src/log.ts'
import { gateway, good } from './run-gateway.ts'

const folder = () => {
  const made = mkdtempSync(join(tmpdir(), 'millrace-log-'))
  onTestFinished(() => rmSync(made, { recursive: true }))
  return made
}
const linesOf = (path: string) =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { event: string; n?: number; count?: number })

it('rotates, and keeps so many older files', async () => {
  for (const [keep, expected] of [
    [2, ['a.jsonl', 'a.jsonl.1', 'a.jsonl.2']],
    [0, ['a.jsonl']],
  ] as const) {
    const home = folder()
    const path = join(home, 'a.jsonl')
    // A process of its own for each line: the size of an older one counts.
    for (let n = 0; n < 8; n++) {
      const log = openIngestionLog(path, { size: 150, keep }, expect.unreachable)
      log.line('info', 'accepted', { n })
      await log.close()
    }
    expect(readdirSync(home).sort()).toEqual(expected)
    const all = expected.toReversed().flatMap((name) => linesOf(join(home, name)).map(({ n }) => n))
    expect(all).toEqual([0, 1, 2, 3, 4, 5, 6, 7].slice(-all.length))
    expect(all.length).toBeGreaterThan(expected.length - 1)
  }
})

it('counts lines that cannot be written, and tells when they can be again', async () => {
  const path = join(folder(), 'a.jsonl')
  mkdirSync(path)
  const warnings: string[] = []
  const log = openIngestionLog(path, { size: 1 << 20, keep: 1 }, (message) => warnings.push(message))
  for (const n of [1, 2, 3]) log.line('info', 'accepted', { n })
  while (warnings.length === 0) await sleep(10)
  log.line('info', 'accepted', { n: 4 })
  await sleep(200)
  expect(warnings).toEqual([expect.stringContaining('cannot be written')])
  rmdirSync(path)
  log.line('info', 'accepted', { n: 5 })
  await log.close()
  expect(linesOf(path)).toMatchObject([
    { event: 'lines_lost', count: 4 },
    { event: 'accepted', n: 5 },
  ])
  expect(warnings[1]).toContain('it lacks 4 lines')
})

it('does not grow without bound while nobody writes', async () => {
  const path = join(folder(), 'a.jsonl')
  const log = openIngestionLog(path, { size: 1 << 30, keep: 1 }, expect.unreachable)
  const text = 'x'.repeat(1000)
  for (let n = 0; n < 10_000; n++) log.line('info', 'accepted', { n, text })
  await sleep(300)
  log.line('info', 'accepted', { n: -1 })
  await log.close()
  const lines = linesOf(path)
  const lost = lines.find(({ event }) => event === 'lines_lost')!.count!
  expect(lost + lines.length - 2).toBe(10_000)
  expect(lines.length).toBeLessThan(3000)
})

it.skipIf(!existsSync('/dev/full'))('on a full disk the gateway answers as before', async () => {
  const { start, stop, post, store } = await gateway()
  await start({ more: { log: '../../../../../../../../../../dev/full' } })
  expect((await post(good(1))).status).toBe(201)
  await sleep(150)
  expect((await post(good(2))).status).toBe(201)
  await stop()
  expect(store.size).toBe(2)
})

it('goes to standard output', async () => {
  const written: string[] = []
  const write = process.stdout.write.bind(process.stdout)
  onTestFinished(() => void (process.stdout.write = write))
  process.stdout.write = ((text: string, done?: (error?: Error | null) => void) => {
    written.push(text)
    done?.()
    return true
  }) as typeof process.stdout.write
  const log = openIngestionLog(standardOutput, { size: 1, keep: 0 }, expect.unreachable)
  log.line('info', 'accepted', { n: 1 })
  await log.close()
  expect(written.some((text) => text.includes('"event":"accepted","n":1}'))).toBe(true)
})
