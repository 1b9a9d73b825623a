/** What the pages of a flow answer, asked by the command as a person asks a browser. */
import type { PageAnswer } from '@millrace/core'
import { pipe } from '../pipe.ts'
import type { Place } from './stores.ts'

/** A row of an element, by column; values as they are sent, as text. */
export type PageRow = Readonly<Record<string, string | null>>

/** The rows of each element of a page. Throws where one has no answer. */
export async function pageRows(
  place: Place,
  page: string,
  inputs: Readonly<Record<string, string>> = {},
): Promise<PageRow[][]> {
  const given = Object.entries(inputs).flatMap(([name, value]) => ['--input', `${name}=${value}`])
  const words = ['pages', 'show', page, ...given, '--profile', place.profile, '--json']
  const { code, out, err } = await pipe(words, { cwd: place.folder, env: place.env })
  if (code !== 0) throw new Error(`pipe ${words.join(' ')} ended with ${code}\n${out}${err}`)
  const { elements } = JSON.parse(out) as PageAnswer
  return elements.map((element) => {
    if (element.state !== 'answered') throw new Error(`${page} has no answer: ${JSON.stringify(element)}`)
    return element.rows.map((row) =>
      Object.fromEntries(
        element.columns.map(({ name }, i) => [name, row[i] === null || row[i] === undefined ? null : String(row[i])]),
      ),
    )
  })
}

/** The facts of a service desk: a customer's invoices, an invoice's lines and total. */
export async function deskFacts(place: Place, page: string): Promise<Record<string, string>> {
  const [invoices, total, lines] = await pageRows(place, page, { customer: '17850', invoice: '536365' })
  return {
    'invoices of 17850': String(invoices!.length),
    'lines of 536365': String(lines!.length),
    'total of 536365': `${total![0]!['lines']} lines, ${total![0]!['total']}`,
  }
}

/** The same, as they are published. */
export const knownDesk = {
  'invoices of 17850': '35',
  'lines of 536365': '7',
  'total of 536365': '7 lines, 139.12',
}
