/** A quiet stream is watched: time stands still in these tests, so that nothing but the watch can end a wait. */
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { waitFor } from '../src/waiting.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-waiting-'))
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
})
afterEach(() => {
  vi.useRealTimers()
  rmSync(folder, { recursive: true, force: true })
})

/** Waits until the stream is watched. */
async function watching(path: string) {
  const stop = new AbortController()
  const waiting = waitFor(path, 20, stop.signal)
  vi.advanceTimersByTime(1000)
  const more = waiting.next()
  vi.advanceTimersByTime(20)
  await more
  return { waiting, stop }
}

it('a record that is appended to a watched log ends the wait', async () => {
  const path = join(folder, 'events.db')
  writeFileSync(`${path}-wal`, '')
  const { waiting } = await watching(path)
  const next = waiting.next()
  appendFileSync(`${path}-wal`, 'a record')
  await next
  waiting.close()
})

it('what is appended between two waits is not missed', async () => {
  const path = join(folder, 'events.db')
  writeFileSync(`${path}-wal`, '')
  const { waiting } = await watching(path)
  appendFileSync(`${path}-wal`, 'a record')
  await waiting.next()
  waiting.close()
})

it('a log that appears where there was none ends the wait', async () => {
  const { waiting } = await watching(join(folder, 'log/events.db'))
  const next = waiting.next()
  mkdirSync(join(folder, 'log'))
  await next
  waiting.close()
})

it('a stop ends the wait', async () => {
  const { waiting, stop } = await watching(join(folder, 'events.db'))
  const next = waiting.next()
  stop.abort()
  await next
  waiting.close()
  expect(vi.getTimerCount()).toBe(0)
})
