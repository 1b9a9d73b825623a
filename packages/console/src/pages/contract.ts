/** The types of pages, which core defines, and those of the interface around them. */
import type { PageAnswer, PageElement, PageView } from '@millrace/core'

export type { PageAnswer, PageElement, PageView }

/** What a query that was answered says. */
export type Answered = Extract<PageAnswer['elements'][number], { readonly state: 'answered' }>

/** A column of it, a cell, and links of its rows. */
export type Column = Answered['columns'][number]
export type Cell = Answered['rows'][number][number]

/** The pages of a project, and what is wrong with those that are not shown. */
export interface Pages {
  readonly pages: readonly PageView[]
  readonly findings: readonly {
    readonly file: string
    readonly line: number
    readonly col: number
    readonly code: string
    readonly message: string
  }[]
}

/** Where a row, or a column of it, leads to. Its parts are encoded: text of records cannot become a scheme. */
export function linkOf(answer: Answered, row: number, column?: string): string | undefined {
  const found = answer.links.find((each) => each.column === column)
  const inputs = found?.inputs[row]
  if (!found || !inputs) return undefined
  const query = new URLSearchParams(Object.entries(inputs).filter(([, text]) => text !== ''))
  return `/pages/${encodeURIComponent(found.page)}?${query}`
}

/** The values of a column; what is no number is left out as NaN. */
export function numbersOf({ columns, rows }: Answered, name: string): readonly number[] {
  const at = columns.findIndex((each) => each.name === name)
  return rows.map((row) => (row[at] === null || row[at] === undefined ? Number.NaN : Number(row[at])))
}

/** The values of a column as text. */
export function textsOf({ columns, rows }: Answered, name: string): readonly string[] {
  const at = columns.findIndex((each) => each.name === name)
  return rows.map((row) => String(row[at] ?? '–'))
}
