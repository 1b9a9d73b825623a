/** The console in a real browser: what it shows is what the command says, and it harms and misleads nobody. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { missingChromium } from '../../../services/chromium/program.ts'
import { launch, open, sideways, violations } from './browser.ts'
import { markup, pipe, type Shown, show, writeProject } from './project.ts'

if (missingChromium) process.stderr.write(`skipped, though it matters: ${missingChromium}\n`)

const patient = { timeout: 60_000 }
const views = [
  '/',
  '/runs',
  '/runs/1',
  '/pipelines/orders',
  '/pipelines/orders/runs',
  '/pipelines/orders/bad',
  '/pipelines/hourly/windows',
  '/pipelines/hourly/state',
  '/streams',
  '/streams/events/orders',
  '/data',
  '/data/store/orders',
  `/data/store/orders?where=${encodeURIComponent('custmer == 7')}`,
  '/connections',
  '/pages',
  '/pages/spending',
  '/nothing',
]

interface Run {
  readonly id: number
  readonly pipeline: string
  readonly state: string
}

interface Counters {
  readonly sources: Readonly<Record<string, { readonly read: number; readonly out: number; readonly failed: number }>>
  readonly steps: Readonly<Record<string, { readonly in: number; readonly out: number; readonly filtered: number }>>
  readonly sinks: Readonly<Record<string, { readonly in: number; readonly delivered: number }>>
}

function freshFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-console-'))
  writeProject(folder)
  return folder
}

const discard = (folder: string) => rmSync(folder, { recursive: true, force: true })

/** The cells of a table, row by row. */
const cells = async (page: Page, table: string): Promise<string[][]> =>
  Promise.all((await page.locator(`${table} tbody tr`).all()).map((row) => row.locator('td').allTextContents()))

describe.skipIf(missingChromium)('the console in a browser', { timeout: 240_000 }, () => {
  let browser: Browser
  let folder: string
  let shown: Shown

  /** A signed-in page at a view. */
  const at = async (path: string, options: Parameters<typeof open>[2] = {}) => {
    const watched = await open(browser, shown.url, options)
    onTestFinished(() => watched.page.context().close())
    await watched.page.locator('.fleet').waitFor(patient)
    await watched.page.goto(new URL(path, shown.url).href)
    await watched.page.locator('h1').first().waitFor(patient)
    return watched
  }
  /** Waits until this run is over, and returns its number. */
  const over = async (pipeline: string): Promise<number> => {
    for (let i = 0; i < 600; i++) {
      const { runs } = JSON.parse(await pipe(folder, 'runs', 'list', '--json')) as { runs: readonly Run[] }
      const found = runs.find((run) => run.pipeline === pipeline && /succeeded|failed/.test(run.state))
      if (found) return found.id
      await sleep(100)
    }
    throw new Error(`no run of ${pipeline} ends`)
  }

  beforeAll(async () => {
    browser = await launch()
    folder = freshFolder()
    shown = await show(folder, 'serve', '--port', 'off', '--console', '0')
    for (const name of ['broken', 'orders']) {
      await pipe(folder, 'trigger', name)
      await over(name)
    }
  }, 120_000)
  afterAll(async () => {
    await browser?.close()
    await shown?.kill()
    if (folder) discard(folder)
  })

  it('puts the failing pipeline first', async () => {
    const { page, wrong } = await at('/')
    await page.locator('.fleet .card.failed').waitFor(patient)
    expect((await page.locator('.fleet h2').allTextContents())[0]).toBe('broken')
    expect(await page.locator('.fleet .card').first().locator('.sentence').textContent()).toContain('missing.csv')
    expect(wrong).toEqual([])
  })

  it('shows a run that was asked for, and the numbers that `pipe run` prints', async () => {
    const other = freshFolder()
    onTestFinished(() => discard(other))
    const { counters } = JSON.parse(await pipe(other, 'run', 'orders', '--json')) as { counters: Counters }
    const { source } = counters.sources
    const { paid } = counters.steps
    const { table, stream, dead_letter } = counters.sinks
    const written = Object.values(counters.sinks).reduce((sum, { delivered }) => sum + delivered, 0)

    const { page, wrong } = await at('/pipelines/orders')
    await page.getByRole('button', { name: 'Run…' }).click()
    await page.getByRole('button', { name: 'Run it now' }).click()
    await page.waitForURL(/\/runs\/\d+$/, patient)
    const run = new URL(page.url()).pathname
    await page.locator('.head .state.succeeded').waitFor(patient)
    const facts = (await page.locator('.facts > div').allTextContents()).join(' ')
    expect(facts).toContain('whytrigger')
    expect(facts).toContain(`read${source!.read} written${written} failed${source!.failed}`)

    await page.locator('.crumbs').getByText('orders').click()
    await page.locator('.edge text').first().waitFor(patient)
    // On the edges.
    const edges = [source!.out, paid!.out, paid!.out, source!.failed].map(String).toSorted()
    await expect
      .poll(async () => (await page.locator('.edge text').allTextContents()).toSorted(), patient)
      .toEqual(edges)
    // The same as a list.
    await page.getByText('The same as a list').click()
    expect((await cells(page, 'details table')).map(([id, , , numbers]) => [id, numbers])).toEqual([
      ['source', `${source!.read} read · ${source!.failed} failed`],
      ['paid', `${paid!.in} in · ${paid!.filtered} filtered`],
      ['table', `${table!.delivered} written`],
      ['stream', `${stream!.delivered} written`],
      ['dead_letter', `${dead_letter!.delivered} written`],
    ])
    await page.locator('.tabs').getByText('Runs').click()
    await page.locator(`table a[href="${run}"]`).waitFor(patient)
    expect(wrong).toEqual([])
  })

  it("searches a run's log, and says that the other lines are not shown", async () => {
    const { page, wrong } = await at(`/runs/${await over('orders')}`)
    await page.locator('.log .line').first().waitFor(patient)
    const total = await page.locator('.log .line').count()
    await page.getByRole('searchbox').fill('STARTED')
    await page.getByText(`1 of ${total} lines; the others are not shown`).waitFor(patient)
    expect(await page.locator('.log .line').count()).toBe(1)
    await page.getByRole('searchbox').fill('nothing has this')
    await page.getByText('No line has this.').waitFor(patient)
    expect(wrong).toEqual([])
  })

  it('shows markup of bad records and of pages as text', async () => {
    const { page, wrong } = await at('/pipelines/orders/bad')
    page.on('dialog', (dialog) => {
      wrong.push(dialog.message())
      void dialog.dismiss()
    })
    await page.locator('article pre').first().waitFor(patient)
    expect(await page.locator('article pre').first().textContent()).toContain(`4,${markup},x,`)
    await page.goto(new URL('/pages/spending', shown.url).href)
    await page.locator('table.answer').first().waitFor(patient)
    expect(await page.locator('table.answer').first().textContent()).toContain(markup)
    expect(await page.locator('img').count()).toBe(0)
    const links = await page.locator('a').evaluateAll((all) => all.map((each) => String(Reflect.get(each, 'protocol'))))
    expect(new Set(links)).toEqual(new Set(['http:']))
    expect(wrong).toEqual([])
  })

  it('shows the tables of a page as `pipe pages show` answers them', async () => {
    const { page, wrong } = await at('/pages/spending')
    const answered = async (...inputs: string[]) => {
      const text = await pipe(folder, 'pages', 'show', 'spending', '--json', ...inputs)
      const { elements } = JSON.parse(text) as { elements: { rows: string[][] }[] }
      return elements[0]!.rows.map((row) => row.map((cell) => cell.replace(/T(.*)\.000Z$/, ' $1')))
    }
    await page.locator('table.answer').first().waitFor(patient)
    const all = await answered()
    expect(await cells(page, '.element:has(h2:text("Orders")) >> nth=0 >> table.answer')).toEqual(all)
    // An integer beyond those of browsers, with all its digits.
    expect(all.at(-1)![0]).toBe('9007199254740993')
    await page.getByLabel('Customer').fill('13047')
    await page.getByRole('button', { name: 'Show' }).click()
    await page.waitForURL(/customer=13047/, patient)
    const some = await answered('--input', 'customer=13047')
    expect(some).toHaveLength(2)
    await expect
      .poll(() => cells(page, '.element:has(h2:text("Orders")) >> nth=0 >> table.answer'), patient)
      .toEqual(some)
    expect(wrong).toEqual([])
  })

  it('says what a window waits for', async () => {
    const { page } = await at('/pipelines/hourly/windows')
    await expect
      .poll(() => page.locator('article').first().textContent(), patient)
      .toMatch(/1 window with \d+ records waits\./)
  })

  it('has no violation of accessibility, no sideways scroll and no foreign request on any view', async () => {
    const found: string[] = []
    for (const colorScheme of ['light', 'dark'] as const)
      for (const width of [1280, 360]) {
        const { page, wrong } = await at('/', { colorScheme, viewport: { width, height: 800 } })
        for (const view of views) {
          await page.goto(new URL(view, shown.url).href)
          await page.locator('h1').first().waitFor(patient)
          for (const waiting of await page.getByText('…', { exact: true }).all())
            await waiting.waitFor({ ...patient, state: 'detached' })
          await page.locator('.log .line, .fleet .card, table, .node, main p').first().waitFor(patient)
          const where = `${view} ${colorScheme} ${width}`
          if ((await sideways(page)) > 0) found.push(`${where} scrolls sideways`)
          found.push(...(await violations(page)).map((each) => `${where} ${each}`))
        }
        found.push(...wrong)
      }
    expect(found).toEqual([])
  })

  it('says how old the numbers are when it is gone, and catches up when it is back', async () => {
    const own = freshFolder()
    onTestFinished(() => discard(own))
    const first = await show(own, 'serve', '--port', 'off', '--console', '0')
    onTestFinished(() => first.kill())
    const { page } = await open(browser, first.url)
    onTestFinished(() => page.context().close())
    await page.locator('.fleet .card').first().waitFor(patient)
    await expect.poll(() => page.locator('.fleet').textContent(), patient).toContain('hourly')
    expect(await page.locator('.banner').count()).toBe(0)
    await first.kill()
    await page.locator('.banner').waitFor(patient)
    await expect.poll(() => page.locator('.banner').textContent(), patient).toMatch(/What you see is \d+ s old/)
    expect(await page.locator('.fleet h2').allTextContents()).toContain('orders')
    // It is said once.
    expect(await page.getByText('The console does not answer').count()).toBe(1)

    // The new process has another token: opened in one tab, it serves the others.
    const again = await show(own, 'serve', '--port', 'off', '--console', new URL(first.url).port)
    onTestFinished(() => again.kill())
    const tab = await page.context().newPage()
    await tab.goto(again.url)
    await tab.locator('.fleet .card').first().waitFor(patient)
    await page.locator('.banner').waitFor({ ...patient, state: 'detached' })
    await pipe(own, 'trigger', 'orders')
    await page.bringToFront()
    await page.locator('.fleet .card:has-text("orders") .mark.succeeded').first().waitFor(patient)
  })

  it('tries a bad record, and dismisses it once that is confirmed', async () => {
    const { page, wrong } = await at('/pipelines/orders/bad')
    await page.getByRole('button', { name: 'Try' }).first().click()
    await page.getByText('It still fails.').waitFor(patient)
    await page.getByRole('button', { name: 'Dismiss…' }).first().click()
    await page.getByText('Dismiss 1 record? Their bytes are kept.').waitFor(patient)
    await page.getByRole('button', { name: 'Dismiss it' }).click()
    await page.getByText('No bad record is open.').waitFor(patient)
    expect(wrong).toEqual([])
  })
})
