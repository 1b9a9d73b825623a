/**
 * The log of a run, a page at a time, newest lines first asked for. A search looks at all of it and says how much it
 * found, so that nothing is hidden without a word.
 */
import type { LogPage } from '@millrace/console/wire'

const mostLines = 500
/** Of a longer line the beginning is sent, with its length. */
const mostLineChars = 20_000

/** The last lines before line `before` that contain `search`, in whatever case. */
export function logPage(log: string, search: string, before: number, limit = mostLines): LogPage {
  const all = log === '' ? [] : log.replace(/\n$/, '').split('\n')
  const wanted = search.toLowerCase()
  let matching = 0
  const found: LogPage['lines'][number][] = []
  for (let at = all.length - 1; at >= 0; at--) {
    const text = all[at]!
    if (wanted !== '' && !text.toLowerCase().includes(wanted)) continue
    matching++
    if (at + 1 >= before || found.length >= limit) continue
    const cut = text.length > mostLineChars ? { cut: text.length } : {}
    found.push({ n: at + 1, text: text.slice(0, mostLineChars), ...cut })
  }
  return { lines: found.reverse(), total: all.length, matching }
}
