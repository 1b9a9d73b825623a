/** What has misled people in other consoles, each in a real browser. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { missingChromium } from '../../../services/chromium/program.ts'
import { pipe } from './project.ts'
import { cells, openShop, patient, type Shop } from './shop.ts'

const files: Readonly<Record<string, string>> = {
  'numbers.csv': 'n,name\n1,a\n2,b\n3.5,c\nx,d\n',
  'pipelines/numbers.yaml': `version: 1
name: numbers
schedule: { cron: "0 0 1 1 *" }
source: { type: csv, config: { path: numbers.csv }, schema: { fields: { n: integer, name: string } } }
sinks: { all: { connection: store, config: { collection: numbers } } }
on_error: { data: dead_letter }
dead_letter: { connection: store, config: { collection: bad_numbers } }
`,
  'prices.csv': 'lower,upper,items\n0,5,3\n5,10,12\n10,15,4\n',
  'pipelines/prices.yaml': `version: 1
name: prices
schedule: { cron: "0 0 1 1 *" }
source: { type: csv, config: { path: prices.csv }, schema: { fields: { lower: number, upper: number, items: integer } } }
sinks: { prices: { connection: store, config: { collection: prices, key: [lower] } } }
`,
  'pages/prices.yaml': `version: 1
name: prices
title: Prices
connection: store
queries: { prices: { collection: prices, sort: [upper] } }
elements:
  - { histogram: prices, title: Price, bin: [lower, upper], y: items, link: { page: between, from: lower, to: upper } }
`,
  'pages/between.yaml': `version: 1
name: between
title: Between
connection: store
inputs: { from: { type: number, label: From }, to: { type: number, label: To } }
queries: { prices: { collection: prices, where: ["lower >= inputs.from", "upper <= inputs.to"] } }
elements: [{ table: prices, title: Buckets }]
`,
  'pages/days.yaml': `version: 1
name: days
title: Days
connection: store
inputs: { range: { type: time_range, label: Days, default: 2026-03-01/2026-03-02 } }
queries: { orders: { collection: orders, within: { at: range }, sort: [at] } }
elements: [{ table: orders, title: Orders }]
`,
}

describe.skipIf(missingChromium)('the console misleads nobody', { timeout: 240_000 }, () => {
  let shop: Shop
  let failed: number
  let done: number

  beforeAll(async () => {
    shop = await openShop((folder) => {
      for (const [path, text] of Object.entries(files)) {
        mkdirSync(join(folder, path, '..'), { recursive: true })
        writeFileSync(join(folder, path), text)
      }
    })
    const run = async (pipeline: string) => {
      await pipe(shop.folder, 'trigger', pipeline)
      return (await shop.over(pipeline)).id
    }
    failed = await run('broken')
    done = await run('orders')
    await run('numbers')
    await run('prices')
  }, 180_000)
  afterAll(() => shop?.close())

  it('no state but those of success is green, and each is a sign and a word', async () => {
    const { page } = await shop.at('/runs')
    await page.locator('.state').first().waitFor(patient)
    const states = ['failed', 'waiting', 'retrying', 'interrupted', 'skipped', 'cancelled', 'troubled', 'idle']
    const colours = await page.evaluate(
      (all) =>
        ['succeeded', ...all].map((state) => {
          const made = Object.assign(document.createElement('span'), { className: `state ${state}` })
          document.querySelector('main')!.append(made)
          const { color } = getComputedStyle(made)
          made.remove()
          return color
        }),
      states,
    )
    for (const colour of colours.slice(1)) expect(colour).not.toBe(colours[0])
    for (const text of await page.locator('.state').allTextContents()) expect(text).toMatch(/^\S \w+$/)
    await page.goto(new URL('/', shop.shown.url).href)
    await page.locator('.mark').first().waitFor(patient)
    for (const text of await page.locator('.mark').allTextContents()) expect(text).toMatch(/^\Srun \d+ \w+$/)
  })

  it('a failure stays in sight until a later run succeeds, which is shown at once', async () => {
    const { page, wrong } = await shop.at(`/runs/${failed}`)
    await page.locator('.head .state.failed').waitFor(patient)
    writeFileSync(join(shop.folder, 'missing.csv'), 'n\n1\n')
    await page.getByRole('button', { name: 'Try again…' }).click()
    await page.getByRole('button', { name: 'Run it now' }).click()
    await page.waitForURL((url) => url.pathname !== `/runs/${failed}`, patient)
    await page.locator('.head .state.succeeded').waitFor(patient)
    await page.goto(new URL('/', shop.shown.url).href)
    await page.locator('.fleet .card:not(.failed):has(h2:has-text("broken"))').waitFor(patient)
    expect(wrong).toEqual([])
  })

  it('a run that somebody ends is neither done nor failed, and can be started again', async () => {
    const { page, wrong } = await shop.at('/pipelines/clicks/runs')
    await page.locator('table a[href^="/runs/"]').first().click()
    await page.locator('.head .state.running').waitFor(patient)
    await page.getByRole('button', { name: 'End it…' }).click()
    await page.getByRole('button', { name: 'End this run' }).click()
    await page.locator('.head .state.cancelled').waitFor(patient)
    await page.getByRole('button', { name: 'Run again…' }).waitFor(patient)
    expect(wrong).toEqual([])
  })

  it('a replay is tried first, and says of each record what became of it', async () => {
    const { page, wrong } = await shop.at('/pipelines/numbers/bad')
    const kind = page.locator('.card.kind')
    const tryNow = async () => {
      await kind.getByRole('button', { name: 'Try', exact: true }).click()
      await kind.getByText('Nothing was written').waitFor(patient)
      return kind.textContent()
    }
    expect(await tryNow()).toContain('0 of 2 pass now.')
    const spec = join(shop.folder, 'pipelines/numbers.yaml')
    writeFileSync(spec, readFileSync(spec, 'utf8').replace('n: integer', 'n: number'))
    await expect.poll(tryNow, patient).toContain('1 of 2 pass now.')
    await kind.getByRole('button', { name: 'Replay…' }).click()
    await kind.getByRole('button', { name: 'Replay 2' }).click()
    await page.getByText('1 record replayed, 1 failed again').waitFor(patient)
    expect((await cells(page, 'section.card')).map(([, outcome]) => outcome!.trim())).toEqual([
      '✓ replayed',
      '✕ fails at source',
    ])
    await page.getByText('1 record failed and is open.').waitFor(patient)
    expect(wrong).toEqual([])
  })

  it('times are those of one zone, which is named, wherever the browser is', async () => {
    const seen = async (timezoneId: string) => {
      const { page } = await shop.at('/pages/days', { timezoneId })
      await page.locator('table.answer tbody tr').first().waitFor(patient)
      expect(await page.locator('header').textContent()).toContain(`times in ${timezoneId}`)
      expect(await page.locator('table.answer th').allTextContents()).toContain('at UTC')
      expect(await page.getByLabel('Days').getAttribute('placeholder')).toContain('UTC')
      const shown = await cells(page, 'table.answer')
      const download = page.waitForEvent('download')
      await page.getByRole('link', { name: 'CSV' }).click()
      const csv = readFileSync(await (await download).path(), 'utf8')
      expect(csv).toContain('2026-03-01T09:10:00.000Z')
      return [shown, csv]
    }
    const here = await seen('UTC')
    expect(here[0]).toHaveLength(6)
    expect(await seen('Pacific/Auckland')).toEqual(here)
    expect(await seen('America/New_York')).toEqual(here)
  })

  it('a chart has a name, a table, and bars that keys reach; a drill-down passes the whole interval', async () => {
    const { page, wrong } = await shop.at('/pages/prices')
    const chart = page.getByRole('group', { name: 'Price' })
    await chart.waitFor(patient)
    await page.getByText('The same as a table').click()
    expect(await cells(page, 'table.answer')).toEqual([
      ['3', '0', '5'],
      ['12', '5', '10'],
      ['4', '10', '15'],
    ])
    const bar = chart.getByRole('link', { name: '5 to 10: 12 items' })
    await bar.focus()
    await page.keyboard.press('Enter')
    await page.waitForURL(/from=5&to=10$/, patient)
    await expect.poll(() => cells(page, 'table.answer'), patient).toEqual([['5', '10', '12']])
    expect(wrong).toEqual([])
  })

  it("a log is text that the browser's own search finds and copies, also beside a line of 8 MB", async () => {
    const folder = join(shop.folder, '.millrace/local/.serve/logs/orders')
    const long = JSON.stringify({ time: '2026-03-01T00:00:00Z', level: 'info', message: 'x'.repeat(8_000_000) })
    const path = join(folder, `${done}.jsonl`)
    const lines = readFileSync(path, 'utf8')
    writeFileSync(path, `${lines}${long}\n{"time":"2026-03-01T00:00:01Z","level":"info","message":"needle"}\n`)
    const { page, wrong } = await shop.at(`/runs/${done}`)
    await page.getByText('needle').waitFor(patient)
    expect(await page.locator('.log').textContent()).toContain('8,000,0')
    expect((await page.locator('.log').textContent())!.length).toBeLessThan(40_000)
    expect(await found(page, 'needle')).toBe('needle')
    expect(await found(page, 'starting')).toBe('starting')
    expect(wrong).toEqual([])
  })
})

/** What the browser's own search selects. */
const found = (page: Page, text: string): Promise<string> =>
  page.evaluate((wanted) => {
    getSelection()!.removeAllRanges()
    ;(globalThis as unknown as { find(text: string): boolean }).find(wanted)
    return String(getSelection())
  }, text)
