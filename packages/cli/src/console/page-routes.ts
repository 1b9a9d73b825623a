/** The project's own pages, and their answers. They are read again when a page file or a spec has changed. */
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { pageFiles } from '@millrace/core'
import { openPages, type Pages } from '../pages.ts'
import { csvHeader, csvLine } from './csv.ts'
import type { ConsoleProject } from './project.ts'
import type { FileAnswer } from './sending.ts'
import type { Route } from './server.ts'

/** The routes, by path. */
export function pageRoutes(
  served: Pick<ConsoleProject, 'root' | 'flags' | 'io' | 'reading'>,
): Readonly<Record<string, Route>> {
  let last: { readonly of: string; readonly reading: unknown; readonly pages: Promise<Pages> } | undefined
  const pagesNow = (): Promise<Pages> => {
    const of = pageFiles(served.root)
      .map((file) => [file, existsSync(join(served.root, file)) ? statSync(join(served.root, file)).mtimeMs : 0])
      .join()
    const reading = served.reading()
    if (last?.of !== of || last.reading !== reading) {
      const io = { ...served.io, cwd: served.root, out: () => {}, err: () => {} }
      last = { of, reading, pages: openPages(served.flags, io) }
      // What could not be read is read again by the next request.
      last.pages.catch(() => (last = undefined))
    }
    return last.pages
  }
  return {
    '/api/pages': {
      async answer() {
        const { pages, findings } = await pagesNow()
        return { pages, findings }
      },
    },
    // As many rows as the page shows.
    '/api/pages/*/elements/*/csv': {
      async file({ parts: [name, at], query, signal }): Promise<FileAnswer | undefined> {
        const { elements } = await (await pagesNow()).answerPage(name!, Object.fromEntries(query), signal)
        const element = elements[Number(at)]
        if (element?.state !== 'answered') return undefined
        const { columns, rows, cut } = element
        const lines = [csvHeader(columns), ...rows.map((row) => csvLine(columns, row))]
        const what = element.title ?? element.kind
        return {
          name: `${name!}-${what}${cut ? `-first-${rows.length}` : ''}.csv`,
          type: 'text/csv; charset=utf-8',
          parts: (async function* () {
            yield lines.join('')
          })(),
        }
      },
    },
    '/api/pages/*': {
      answer: async ({ parts: [name], query, signal }) =>
        (await pagesNow()).answerPage(name!, Object.fromEntries(query), signal),
    },
  }
}
