/** Debian's Chromium, as the tests and the screenshots use it. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { program } from '../../../services/chromium/program.ts'

/** Starts it. It runs as root in containers, where it has no sandbox. */
export const launch = (): Promise<Browser> => chromium.launch({ executablePath: program, args: ['--no-sandbox'] })

/** A page, and what went wrong on it or was asked of others than the console. */
export interface Watched {
  readonly page: Page
  readonly wrong: string[]
}

/** Opens an address in a context of its own, in a fixed zone. */
export async function open(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Watched> {
  const context = await browser.newContext({ timezoneId: 'UTC', locale: 'en', ...options })
  const page = await context.newPage()
  const wrong: string[] = []
  page.on('request', (request) => {
    if (!request.url().startsWith(`${new URL(url).origin}/`)) wrong.push(`asked ${request.url()}`)
  })
  page.on('pageerror', (error) => wrong.push(`threw ${error.message}`))
  page.on('console', (message) => {
    if (message.text().includes('Content Security Policy')) wrong.push(message.text())
  })
  await page.goto(url)
  return { page, wrong }
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** What axe-core finds on a page: a line for each element that violates a rule. */
export async function violations(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe)
  return page.evaluate<string[]>(
    `axe.run().then(({ violations }) => violations.flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => id + ' ' + target + ': ' + failureSummary)))`,
  )
}

/** How far the page can be scrolled sideways. */
export const sideways = (page: Page): Promise<number> =>
  page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth')
