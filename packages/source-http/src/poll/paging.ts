/** Paging: by number, by cursor, or by the `Link` header. */
import { MillraceError } from '@millrace/core'
import { pathOf, valueAt } from './json.ts'
import type { PollOptions } from './options.ts'
import { type Answered, headerOf } from '@millrace/client-http'

/** Identifies a page other than the first: its number, its cursor, or its whole address. */
export type PageMark = string | number

/** The address of a page; `mark` undefined: the first. `since`: the value of the since-cursor as text. */
export function pageUrl(o: PollOptions, mark: PageMark | undefined, since: string | undefined): URL {
  if (o.link && mark !== undefined) return new URL(String(mark))
  const url = new URL(o.url)
  for (const [name, value] of Object.entries(o.query)) url.searchParams.set(name, value)
  if (o.since && since !== undefined) url.searchParams.set(o.since.param, since)
  if (o.page) {
    url.searchParams.set(o.page.param, String(mark ?? o.page.first))
    if (o.page.size_param !== undefined && o.page.size !== undefined)
      url.searchParams.set(o.page.size_param, String(o.page.size))
  }
  if (o.cursor && mark !== undefined) url.searchParams.set(o.cursor.param, String(mark))
  return url
}

/** The mark of the next page; undefined: this is the last. Throws `paging_stuck` if a page names itself as the next. */
export function nextPage(
  o: PollOptions,
  mark: PageMark | undefined,
  page: Answered,
  records: number,
): PageMark | undefined {
  if (o.page) return records === 0 || records < (o.page.size ?? 0) ? undefined : Number(mark ?? o.page.first) + 1
  const next = o.cursor ? cursorOf(page.body, o.cursor.field) : o.link ? linkOf(page) : undefined
  if (next !== undefined && (next === mark || next === page.url.href)) {
    throw new MillraceError('paging_stuck', `a page of ${o.url} names itself as the next one: ${next}`, {
      hint: o.cursor
        ? 'does the server expect the cursor under another name? See `cursor.param`'
        : 'the `Link` header of the server is wrong',
    })
  }
  return next
}

function cursorOf(body: Buffer, field: string): string | undefined {
  const bytes = valueAt(body, pathOf(field))
  if (!bytes) return undefined
  const text = bytes.toString('utf8')
  // A number is sent back as it was written.
  if (/^-?\d/.test(text)) return text
  const value = text.startsWith('"') ? (JSON.parse(text) as string) : undefined
  return value === '' ? undefined : value
}

/** The address with rel="next": RFC 8288. */
function linkOf(page: Answered): string | undefined {
  for (const [, target, parameters] of (headerOf(page, 'link') ?? '').matchAll(
    /<([^>]*)>((?:\s*;\s*[\w*]+\s*=\s*(?:"[^"]*"|[^\s;,"]+))*)/g,
  ))
    if (/;\s*rel\s*=\s*(?:"(?:[^"]*\s)?next(?:\s[^"]*)?"|next(?![^\s;,]))/i.test(parameters!))
      return new URL(target!, page.url).href
  return undefined
}
