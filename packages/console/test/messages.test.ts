/** Messages of a stream in a browser: bounded, exactly counted, as they were sent, and never run. */
import { join } from 'node:path'
import { type Log, logPath, openLog } from '@millrace/client-log'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { missingChromium } from '../../../services/chromium/program.ts'
import { markup } from './project.ts'
import { cells, openShop, patient, type Shop } from './shop.ts'

const here = '/streams/events/clicks'
const large = `{"n":9007199254740993,"text":"${'x'.repeat(325_000)}"}`

describe.skipIf(missingChromium)('messages in a browser', { timeout: 240_000 }, () => {
  let shop: Shop
  let log: Log
  let written = 0
  const write = (values: readonly string[]) =>
    log.append(
      values.map((value) => {
        const body = Buffer.from(value)
        return {
          partition: written % 3,
          count: 1,
          time: Date.now(),
          ids: [`id${written++}`],
          keys: ['Ada'],
          headers: [[['trace', markup]]],
          body,
          ends: Int32Array.of(body.length),
        }
      }),
    )
  const numbers = (n: number) => Array.from({ length: n }, (_, i) => `{"n":${i}}`)
  const counts = (page: Page) => page.locator('.counts').textContent()

  beforeAll(async () => {
    shop = await openShop((folder) => {
      log = openLog(logPath(join(folder, 'events'), 'clicks'), { partitions: 3 })!
      write([large, `{"n":"${markup}"}`, '{"n":"a.*b"}', '{"n":7}'])
    })
  }, 120_000)
  afterAll(async () => {
    log?.close()
    await shop?.close()
  })

  it('are listed and one is shown as text, JSON and bytes: a large one in part, with all its digits', async () => {
    const { page, wrong } = await shop.at('/streams')
    await page.getByRole('link', { name: 'clicks' }).first().click()
    await page.locator('.messages tbody tr').first().waitFor(patient)
    expect(await counts(page)).toContain('4 messages shown')
    expect(await page.locator('.messages .value').allTextContents()).toContain(`{"n":"${markup}"}`)
    await page.locator('.messages tr', { hasText: '325' }).getByRole('button').click()
    const text = page.locator('pre.message')
    await page.getByText('Show all').waitFor(patient)
    expect((await text.textContent())!.length).toBe(50_000)
    expect((await text.textContent())!.startsWith('{"n":9007199254740993,')).toBe(true)
    await page.getByRole('button', { name: 'JSON' }).click()
    expect(await text.textContent()).toMatch(/^\{\n {2}"n": 9007199254740993,\n/)
    await page.getByRole('button', { name: 'Hex' }).click()
    expect(await text.textContent()).toContain('7b 22 6e 22 3a 39 30 30')
    await page.getByRole('button', { name: 'Raw' }).click()
    await page.getByRole('button', { name: 'Show all' }).click()
    await expect.poll(async () => (await text.textContent())!.length, patient).toBe(large.length)
    expect(await page.locator('section.card td').allTextContents()).toEqual(['trace', markup])
    expect(await page.locator('img').count()).toBe(0)
    expect(wrong).toEqual([])
  })

  it('are searched by text that runs nothing, and a search that finds none says so', async () => {
    const { page, wrong } = await shop.at(here)
    const find = async (text: string) => {
      await page.getByRole('searchbox').fill(text)
      await page.getByRole('button', { name: 'Find' }).click()
      await expect.poll(() => new URL(page.url()).searchParams.get('search'), patient).toBe(text)
    }
    await find('a.*b')
    await expect.poll(() => counts(page), patient).toContain('1 message shown, which have “a.*b”, of 4 looked at')
    await find(markup)
    await expect.poll(() => counts(page), patient).toContain('1 message shown')
    await find('nothing has this')
    await page.getByText('No message that was looked at has this text.').waitFor(patient)
    expect(await counts(page)).toContain('0 messages shown')
    expect(wrong).toEqual([])
  })

  it('are found by position of a partition', async () => {
    const { page, wrong } = await shop.at(here)
    await page.locator('.messages tbody tr').first().waitFor(patient)
    await page.getByLabel('Partition', { exact: true }).selectOption('1')
    await page.getByRole('textbox', { name: 'Position' }).fill('0')
    await page.getByRole('button', { name: 'Find' }).click()
    await expect
      .poll(async () => (await cells(page, '.messages')).map((row) => row.at(-1)), patient)
      .toEqual([`{"n":"${markup}"}`])
    // What was asked for stands in the form.
    expect(await page.getByLabel('Partition', { exact: true }).inputValue()).toBe('1')
    expect(wrong).toEqual([])
  })

  it('come in bursts: all are counted, few are in the page, gaps load, stop keeps, a hidden tab catches up', async () => {
    const { page, wrong } = await shop.at(here)
    await page.locator('.messages tbody tr').first().waitFor(patient)
    await page.getByRole('button', { name: 'Follow' }).click()
    await expect.poll(() => counts(page), patient).toContain('Up to date')
    write(numbers(3000))
    await expect.poll(() => counts(page), patient).toMatch(/3,000 messages came.*Up to date/)
    const shown = async () => Number(/^([\d,]+) messages? shown/.exec((await counts(page))!)![1]!.replaceAll(',', ''))
    const before = await shown()
    expect(before).toBeLessThan(3000)
    expect(await counts(page)).toContain(`${(3000 - (before - 4)).toLocaleString('en')} are not shown`)
    // No more are in the page than fit.
    expect(await page.locator('.messages tr').count()).toBeLessThan(400)
    await page.locator('.left-out').first().getByRole('button').click()
    await expect.poll(shown, patient).toBeGreaterThan(before)

    // A tab that nobody sees asks for nothing; when it is seen, what came meanwhile is counted.
    const setHidden = (isHidden: boolean) =>
      page.evaluate((hidden) => {
        Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden })
        document.dispatchEvent(new Event('visibilitychange'))
      }, isHidden)
    await setHidden(true)
    write(numbers(500))
    await new Promise((resolve) => setTimeout(resolve, 1500))
    expect(await counts(page)).toContain('3,000 messages came')
    await setHidden(false)
    await expect.poll(() => counts(page), patient).toContain('3,500 messages came')

    await page.getByRole('button', { name: 'Stop' }).click()
    const kept = await shown()
    write(numbers(100))
    await new Promise((resolve) => setTimeout(resolve, 1500))
    expect(await counts(page)).toMatch(/3,500 messages came.*Stopped/)
    expect(await shown()).toBe(kept)
    // On again from where it was.
    await page.getByRole('button', { name: 'Follow' }).click()
    await expect.poll(() => counts(page), patient).toContain('3,600 messages came')
    expect(wrong).toEqual([])
  })
})
