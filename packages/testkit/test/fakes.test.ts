import { describe, expect, it } from 'vitest'
import { fakeClock } from '../src/clock.ts'
import { liveUrl } from '../src/live.ts'

describe('the fake clock', () => {
  it('stands still until it is advanced, and wakes sleepers in the order of their times', async () => {
    const clock = fakeClock(1000)
    const woken: string[] = []
    const late = clock.sleep(50).then(() => woken.push(`late at ${clock.now()}`))
    const early = clock.sleep(20).then(async () => {
      woken.push(`early at ${clock.now()}`)
      await clock.sleep(10)
      woken.push(`again at ${clock.now()}`)
    })
    await clock.advance(19)
    expect(woken).toEqual([])
    await clock.advance(31)
    await Promise.all([late, early])
    expect(woken).toEqual(['early at 1020', 'again at 1030', 'late at 1050'])
    expect(clock.now()).toBe(1050)
  })
  it('ends a sleep when its signal aborts', async () => {
    const clock = fakeClock()
    const stop = new AbortController()
    const sleeping = clock.sleep(1000, stop.signal)
    stop.abort()
    await expect(sleeping).rejects.toMatchObject({ name: 'AbortError' })
    expect(clock.sleepers).toBe(0)
  })
})

describe('the address of a real server', () => {
  it('comes from the environment', () =>
    expect(liveUrl('KAFKA', { MILLRACE_TEST_KAFKA_URL: 'localhost:9' })).toBe('localhost:9'))
  it('is reported by name if it is missing', () => {
    const said: string[] = []
    expect(liveUrl('KAFKA', {}, (message) => said.push(message))).toBeUndefined()
    expect(said).toEqual([expect.stringContaining('MILLRACE_TEST_KAFKA_URL')])
  })
  it('is required in CI', () => expect(() => liveUrl('KAFKA', { CI: 'true' })).toThrow('MILLRACE_TEST_KAFKA_URL'))
})
