/** The small shop, shown in a browser: what tests of views begin with. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Browser, Page } from 'playwright-core'
import { onTestFinished } from 'vitest'
import { launch, open } from './browser.ts'
import { pipe, type Shown, show, writeProject } from './project.ts'

/** On a machine with much else to do. */
export const patient = { timeout: 60_000 }

/** A shop that is shown. */
export interface Shop {
  readonly folder: string
  readonly browser: Browser
  readonly shown: Shown
  /** A signed-in page at a view. */
  at(path: string, options?: Parameters<typeof open>[2]): ReturnType<typeof open>
  /** Waits until a run of a pipeline is over, the one after `after`. */
  over(pipeline: string, after?: number): Promise<{ readonly id: number; readonly state: string }>
  close(): Promise<void>
}

/** Opens one. `prepare`: what its folder has besides. */
export async function openShop(
  prepare: (folder: string) => void | Promise<void> = () => {},
  ...words: readonly string[]
): Promise<Shop> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-console-'))
  writeProject(folder)
  await prepare(folder)
  const browser = await launch()
  const shown = await show(folder, ...(words.length > 0 ? words : ['serve', '--port', 'off', '--console', '0']))
  return {
    folder,
    browser,
    shown,
    async at(path, options = {}) {
      const watched = await open(browser, shown.url, options)
      onTestFinished(() => watched.page.context().close())
      await watched.page.locator('.fleet').waitFor(patient)
      await watched.page.goto(new URL(path, shown.url).href)
      await watched.page.locator('h1').first().waitFor(patient)
      return watched
    },
    async over(pipeline, after = 0) {
      for (let i = 0; i < 600; i++) {
        const { runs } = JSON.parse(await pipe(folder, 'runs', 'list', pipeline, '--json')) as {
          runs: readonly { readonly id: number; readonly state: string }[]
        }
        const found = runs.find(({ id, state }) => id > after && /succeeded|failed/.test(state))
        if (found) return found
        await sleep(100)
      }
      throw new Error(`no run of ${pipeline} ends`)
    },
    async close() {
      await browser.close()
      await shown.kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** The cells of a table, row by row. */
export const cells = async (page: Page, table: string): Promise<string[][]> =>
  Promise.all((await page.locator(`${table} tbody tr`).all()).map((row) => row.locator('td').allTextContents()))
