/** Pages: what they show, and what they answer. Everything in a view or an answer can be sent as JSON. */
import type { Expression } from '../expression/index.ts'
import type { CheckedQuery, InputType } from '../query/index.ts'
import type { Collection } from './collection.ts'

/** What an element of a page is. */
export const elementKinds = ['table', 'value', 'line', 'bar', 'histogram', 'rate'] as const
/** One of them. */
export type ElementKind = (typeof elementKinds)[number]

/** A page as it is declared: enough to draw it before there is an answer. */
export interface PageView {
  readonly name: string
  readonly title: string
  readonly description?: string
  /** Relative to the project. */
  readonly file: string
  /** `live`: after a write that touches one of `collections`; a number: ms; absent: when somebody asks. */
  readonly refresh?: 'live' | number
  readonly collections: readonly { readonly connection: string; readonly collection: string }[]
  readonly inputs: readonly PageInput[]
  readonly elements: readonly PageElement[]
}

/** A field that the reader fills in. Its value is text, as in the URL. */
export interface PageInput {
  readonly name: string
  readonly label: string
  /** As users write it, without `?`; or `time_range`: `24h`, or `START/END` in ISO 8601. */
  readonly type: string
  /** It may stay empty: conditions that read it are left out. Otherwise queries that read it wait for it. */
  readonly optional: boolean
  readonly default?: string
  readonly choices?: readonly string[]
}

/** An element as it is declared. */
export interface PageElement {
  readonly kind: ElementKind
  /** May contain `${input:NAME}`. */
  readonly title?: string
  readonly columns?: readonly string[]
  readonly x?: string
  /** Columns of numbers. */
  readonly y?: readonly string[]
  /** Columns of the answer with the bounds of each bar. */
  readonly bin?: readonly [lower: string, upper: string]
  /** What to say if there are no rows. */
  readonly empty?: string
  /** Of `rate`: the stream. Such an element has no rows. */
  readonly rate?: { readonly connection: string; readonly stream: string }
}

/** The answer of a page. */
export interface PageAnswer {
  readonly page: string
  /** `problem`: the text is not of its type; queries that read it do not run. */
  readonly inputs: readonly { readonly name: string; readonly text: string; readonly problem?: string }[]
  /** In the order of `PageView.elements`. */
  readonly elements: readonly ElementAnswer[]
  /** ms UTC. */
  readonly answeredMs: number
}

/** The answer of an element. */
export type ElementAnswer = { readonly kind: ElementKind; readonly title?: string } & (
  | AnsweredElement
  /** Inputs that are empty or wrong: nothing was asked. */
  | { readonly state: 'waiting'; readonly inputs: readonly string[] }
  | { readonly state: 'failed'; readonly code: string; readonly message: string; readonly hint?: string }
  /** A rate, which is counted elsewhere. */
  | { readonly state: 'live' }
)

/** The rows of an element. */
export interface AnsweredElement {
  readonly state: 'answered'
  readonly columns: readonly Column[]
  /** One array per row, in the order of `columns`. */
  readonly rows: readonly (readonly Cell[])[]
  /** How many rows the query has. */
  readonly total: number
  /** `rows` are only the first of them. */
  readonly cut: boolean
  readonly links: readonly LinkAnswer[]
  readonly elapsedMs: number
}

/** The links of a column; without a column, those of whole rows. One entry per row; null: no link there. */
export interface LinkAnswer {
  readonly column?: string
  readonly page: string
  readonly inputs: readonly (Readonly<Record<string, string>> | null)[]
}

/** A column, with its type as users write it. */
export interface Column {
  readonly name: string
  readonly type: string
}

/**
 * A value as JSON: numbers of the types integer and number as they are; bigint, decimal, dates and times as text with
 * exactly their digits; timestamps as ISO 8601 in UTC; bytes as base64; lists, maps, objects and json as JSON text.
 */
export type Cell = string | number | boolean | null

/** A page that was checked. */
export interface Page {
  readonly view: PageView
  readonly inputs: Readonly<Record<string, InputType>>
  readonly queries: ReadonlyMap<string, PageQuery>
  readonly elements: readonly ShownElement[]
}

/** A query of a page: of a collection, or of the rows of another query. */
export interface PageQuery {
  readonly name: string
  readonly checked: CheckedQuery
  readonly collection?: Collection
  readonly from?: string
}

/** An element with what is computed for it. */
export interface ShownElement {
  readonly element: PageElement
  /** Absent: a rate. */
  readonly query?: string
  readonly top?: number
  /** Columns that are computed: the bounds of a histogram. */
  readonly computed: readonly { readonly name: string; readonly expression: Expression }[]
  readonly links: readonly {
    readonly column?: string
    readonly page: string
    readonly inputs: Readonly<Record<string, Expression>>
  }[]
}
