/** A column of single values, row by row over its pages. */
import { broken } from './broken.ts'
import { type Page, Pages, type PagesOf } from './pages.ts'

/** Reads the values of a column's rows in order. */
export interface Cursor {
  /** Prepares up to `n` rows, at least one; returns how many. */
  fill(n: number): Promise<number>
  /** The values of the next `n` rows, null where there is none; `n`: no more than are prepared. */
  take(n: number): Promise<ArrayLike<unknown>>
  /** Skips rows. */
  skip(n: number): Promise<void>
  /** Throws `MillraceError` if there are values after the last row; releases what it holds. */
  finish(): Promise<void>
}

export function flatCursor(of: PagesOf): Cursor {
  const pages = new Pages(of)
  const { definition: most } = of.leaf
  let page: Page | undefined
  let left = 0
  let levels = new Int32Array(0)

  /** The next values of the page that is open. */
  function values(n: number): ArrayLike<unknown> {
    left -= n
    const { definition, read } = page!
    if (!definition || definition.takeRun(most, n)) return read(n)
    if (levels.length < n) levels = new Int32Array(n)
    definition.read(levels, n)
    let there = 0
    for (let i = 0; i < n; i++) {
      if (levels[i]! > most) throw broken('a level is higher than the schema allows')
      if (levels[i] === most) there++
    }
    const found = read(there)
    if (there === n) return found
    const out = new Array<unknown>(n)
    for (let i = 0, k = 0; i < n; i++) out[i] = levels[i] === most ? found[k++] : null
    return out
  }

  async function open(): Promise<void> {
    while (left === 0) {
      page = await pages.next()
      if (!page) throw broken(`the column ${of.leaf.name} has fewer values than rows`)
      left = page.entries
    }
  }

  async function take(n: number): Promise<ArrayLike<unknown>> {
    await open()
    if (left >= n) return values(n)
    const out: unknown[] = []
    while (out.length < n) {
      await open()
      const some = values(Math.min(left, n - out.length))
      for (let i = 0; i < some.length; i++) out.push(some[i])
    }
    return out
  }

  return {
    fill: (n) => Promise.resolve(n),
    take,
    async skip(n) {
      for (let rest = n; rest > 0; ) {
        await open()
        const some = Math.min(rest, left, 1000)
        values(some)
        rest -= some
      }
    },
    async finish() {
      while (left === 0 && (page = await pages.next())) left = page.entries
      if (left > 0) throw broken(`the column ${of.leaf.name} has more values than rows`)
      pages.close()
    },
  }
}
