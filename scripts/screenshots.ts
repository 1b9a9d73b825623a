/**
 * Pictures of the console, to look at as a user would: `npm run screenshots -- --out F`. They are of the small shop
 * that the tests use, served by the real command.
 */
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { launch, open } from '../packages/console/test/browser.ts'
import { pipe, show, writeProject } from '../packages/console/test/project.ts'
import { buildConsole } from './console.ts'

const { values } = parseArgs({ options: { out: { type: 'string', default: 'screenshots' } } })
const out = resolve(values.out)
mkdirSync(out, { recursive: true })
const folder = mkdtempSync(join(tmpdir(), 'millrace-screenshots-'))
writeProject(folder)
// Enough for a picture of a run under way.
const days = Array.from({ length: 400_000 }, (_, i) => new Date(Date.UTC(2026, 2, 1) + i * 1000).toISOString())
const many = days.map((at, i) => `${100 + i},${13_000 + (i % 40)},${(i % 90) + 1}.50,${at}\n`).join('')

await buildConsole()
const browser = await launch()
const shown = await show(folder, 'serve', '--port', 'off', '--console', '0')
const wide = { viewport: { width: 1280, height: 800 } }

async function shoot(
  name: string,
  path: string,
  options: BrowserContextOptions = {},
  ready = 'main',
  act: (page: Page) => Promise<void> = async () => {},
): Promise<void> {
  const { page } = await open(browser, shown.url, { ...wide, ...options })
  await page.locator('.fleet').waitFor()
  await page.goto(new URL(path, shown.url).href)
  await page.locator(ready).first().waitFor()
  await act(page)
  await sleep(700)
  await page.screenshot({ path: join(out, `${name}.png`), fullPage: true })
  process.stdout.write(`${name}\n`)
  await page.context().close()
}

/** Asks for a run and waits until it is over; returns its number. */
async function run(pipeline: string): Promise<number> {
  await pipe(folder, 'trigger', pipeline)
  for (let i = 0; i < 300; i++) {
    const { runs } = JSON.parse(await pipe(folder, 'runs', 'list', pipeline, '--json')) as {
      runs: { id: number; state: string }[]
    }
    if (runs[0] && /succeeded|failed/.test(runs[0].state)) return runs[0].id
  }
  throw new Error(`no run of ${pipeline} ends`)
}

try {
  await shoot('empty', '/runs')
  const failed = await run('broken')
  const done = await run('orders')
  const dark = { colorScheme: 'dark' } as const
  const narrow = { viewport: { width: 360, height: 740 } }
  for (const [theme, options] of Object.entries({ light: {}, dark, narrow })) {
    await shoot(`fleet-${theme}`, '/', options, '.fleet .card')
    await shoot(`graph-${theme}`, '/pipelines/orders', options, '.node')
    await shoot(`page-${theme}`, '/pages/spending', options, 'table.answer')
    await shoot(`log-${theme}`, `/runs/${done}`, options, '.log .line')
  }
  for (const [theme, options] of Object.entries({ light: {}, dark, narrow })) {
    await shoot(`streams-${theme}`, '/streams', options, 'table')
    await shoot(`messages-${theme}`, '/streams/events/orders', options, '.messages')
    await shoot(`data-${theme}`, '/data/store/orders?sort=-amount', options, '.data')
    await shoot(`state-${theme}`, '/pipelines/hourly/state', options, '.facts')
    await shoot(`connections-${theme}`, '/connections', options, 'article')
  }
  await shoot('message', '/streams/events/orders', {}, '.messages', async (page) => {
    await page.locator('.messages button.link').first().click()
    await page.getByRole('button', { name: 'JSON' }).click()
  })
  await shoot('collections', '/data', {}, 'table')
  await shoot('row-as-json', '/data/store/orders', {}, '.data', async (page) => {
    await page.getByRole('button', { name: 'Row 1 as JSON' }).click()
  })
  await shoot('wrong-search', `/data/store/orders?where=${encodeURIComponent('custmer == 7')}`, {}, '#where-problems')
  await shoot('connections-tried', '/connections', {}, 'article', async (page) => {
    await page.getByRole('button', { name: 'Connect to all' }).click()
    await page.getByText('as of').waitFor()
  })
  await shoot('run-again', `/runs/${failed}`, {}, '.facts', async (page) => {
    await page.getByRole('button', { name: 'Try again…' }).click()
  })
  await shoot('trial', '/pipelines/orders/bad', {}, 'article', async (page) => {
    await page.getByRole('button', { name: 'Try' }).first().click()
    await page.getByText('Nothing was written').waitFor()
    await page.getByRole('button', { name: 'Replay…' }).first().click()
  })
  await shoot('replay', '/pipelines/orders/bad', {}, 'article', async (page) => {
    await page.getByRole('button', { name: 'Replay…' }).first().click()
    await page.getByRole('button', { name: 'Replay it' }).first().click()
    await page.getByText('failed again').waitFor()
  })
  await shoot('window-held-open', '/pipelines/hourly/windows', {}, 'article')
  await shoot('failed-record', '/pipelines/orders/bad', {}, 'article')
  await shoot('page-of-a-customer', '/pages/spending?customer=13047', {}, 'table.answer')
  appendFileSync(join(folder, 'orders.csv'), many)
  writeFileSync(join(folder, 'missing.csv'), 'n\n1\n')
  await pipe(folder, 'trigger', 'orders')
  await shoot('graph-running', '/pipelines/orders', {}, '.node .rate:not(:empty)')

  await shoot('messages-followed', '/streams/events/orders', {}, '.messages', async (page) => {
    await page.getByRole('button', { name: 'Follow' }).click()
    await page.locator('.left-out').first().waitFor()
    await page.getByRole('button', { name: 'Stop' }).click()
  })

  const { page } = await open(browser, shown.url, wide)
  await page.locator('.fleet .card').first().waitFor()
  await sleep(1000)
  await shown.kill()
  await page.locator('.banner').waitFor()
  await sleep(2500)
  await page.screenshot({ path: join(out, 'disconnected.png'), fullPage: true })
} finally {
  await browser.close()
  await shown.kill()
  rmSync(folder, { recursive: true, force: true })
}
