/** Rows of a store in a browser: exact in cell, search, copy and file, and found fast however many there are. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { missingChromium } from '../../../services/chromium/program.ts'
import { markup, pipe } from './project.ts'
import { cells, openShop, patient, type Shop } from './shop.ts'

const here = '/data/store/orders'
const exact = '9007199254740993'
const manyRows = 100_000

describe.skipIf(missingChromium)('rows in a browser', { timeout: 240_000 }, () => {
  let shop: Shop
  const many = Array.from({ length: manyRows }, (_, i) => `${i},${i === 90_000 ? 'x' : i}\n`).join('')

  beforeAll(async () => {
    shop = await openShop(async (folder) => {
      writeFileSync(join(folder, 'many.csv'), `id,word\n${many}`)
      writeFileSync(
        join(folder, 'pipelines/many.yaml'),
        `version: 1
name: many
schedule: { cron: "0 0 1 1 *" }
source: { type: csv, config: { path: many.csv }, schema: { fields: { id: integer, word: string } } }
sinks: { many: { connection: store, config: { collection: many, key: [id] } } }
`,
      )
      await pipe(folder, 'run', 'many')
      await pipe(folder, 'run', 'orders')
    })
  }, 180_000)
  afterAll(() => shop?.close())

  const status = (page: Page) => page.locator('.counts').textContent()

  it('show an integer beyond those of browsers with all its digits in cell, search, copy and CSV', async () => {
    const { page, wrong } = await shop.at('/data', { permissions: ['clipboard-read', 'clipboard-write'] })
    await page.locator('a[href="/data/store/orders"]').click()
    await page.locator('.data tbody tr').first().waitFor(patient)
    await page.getByLabel('Rows for which this is true').fill(`id == ${exact}`)
    await page.getByRole('button', { name: 'Search' }).click()
    await expect.poll(async () => (await cells(page, '.data')).map(([, id]) => id), patient).toEqual([exact])
    expect(await status(page)).toContain('1 row for which this is true')
    await page.getByRole('button', { name: 'Row 1 as JSON' }).click()
    await page.getByRole('button', { name: 'Copy' }).click()
    await expect.poll(() => page.evaluate(() => navigator.clipboard.readText()), patient).toContain(`"id": "${exact}"`)
    const download = page.waitForEvent('download')
    await page.getByRole('link', { name: 'CSV' }).click()
    const csv = readFileSync(await (await download).path(), 'utf8')
    expect(csv.split('\r\n')[1]).toMatch(new RegExp(`^${exact},13047,1.00,2026-03-01T10:35:00.000Z$`))
    expect(wrong).toEqual([])
  })

  it('say what is wrong with a search, at its place, and that none is found', async () => {
    const { page, wrong } = await shop.at(`${here}?where=${encodeURIComponent('custmer == "a"')}`)
    const problems = page.locator('#where-problems')
    await problems.waitFor(patient)
    expect(await problems.locator('mark').textContent()).toBe('custmer')
    expect(await problems.textContent()).toContain('unknown_field')
    await page.getByLabel('Rows for which this is true').fill('customer == "nobody"')
    await page.getByRole('button', { name: 'Search' }).click()
    await page.getByText('No row fulfils this condition.').waitFor(patient)
    expect(wrong).toEqual([])
  })

  it('keep markup and `javascript:` text, and sort by a column', async () => {
    const { page, wrong } = await shop.at(here)
    await page.locator('.data tbody tr').first().waitFor(patient)
    expect(await page.locator('.data').textContent()).toContain(markup)
    expect(await page.locator('img').count()).toBe(0)
    const links = await page.locator('a').evaluateAll((all) => all.map((each) => String(Reflect.get(each, 'protocol'))))
    expect(new Set(links)).toEqual(new Set(['http:']))
    await page.getByRole('link', { name: 'amount' }).click()
    await page.getByRole('link', { name: 'amount' }).click()
    await expect.poll(() => page.url(), patient).toContain('sort=-amount')
    await expect
      .poll(async () => (await cells(page, '.data')).map((row) => row[3]), patient)
      .toEqual(['100.00', '12.50', '7.25', '4.00', '3.00', '1.00'])
    expect(wrong).toEqual([])
  })

  it('are found at once among 100,000, with few of them in the page', async () => {
    const { page, wrong } = await shop.at('/data/store/many?sort=id')
    await page.locator('.data tbody tr').first().waitFor(patient)
    expect(await status(page)).toContain('100,000 rows')
    const region = page.getByRole('region', { name: 'Rows' })
    await region.evaluate((element) => (element.scrollTop = element.scrollHeight))
    await page.getByRole('button', { name: 'Row 100000 as JSON' }).waitFor(patient)
    await expect.poll(async () => (await cells(page, '.data')).at(-1)?.[1] ?? '', patient).toBe('99999')
    expect(await page.locator('*').count()).toBeLessThan(1500)
    expect(wrong).toEqual([])
  })

  it('are exported whole, or the download fails', async () => {
    const { page } = await shop.at('/data/store/many')
    await page.locator('.data tbody tr').first().waitFor(patient)
    const whole = page.waitForEvent('download')
    await page.getByRole('link', { name: 'JSON lines' }).click()
    const lines = readFileSync(await (await whole).path(), 'utf8').split('\n')
    expect([lines.length - 1, lines.at(-1)]).toEqual([manyRows, ''])
    // One row cannot be judged: what came before it is not taken for all.
    await page.goto(new URL('/data/store/many', shop.shown.url).href)
    const failing = `/api/collections/store/many/export?format=csv&where=${encodeURIComponent('int(word) >= 0')}`
    const broken = page.waitForEvent('download')
    await page.evaluate((href) => {
      const link = Object.assign(document.createElement('a'), { href, download: '' })
      link.click()
    }, failing)
    expect(await (await broken).failure()).not.toBeNull()
  })
})
