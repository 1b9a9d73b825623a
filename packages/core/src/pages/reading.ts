/** What is known of a page while it is read, and how its parts are reported. */
import type { FindingCode } from '../errors/catalogue.ts'
import type { InputType } from '../query/index.ts'
import type { Registry } from '../registry/index.ts'
import type { Report } from '../spec/finding.ts'
import { suggest } from '../spec/suggest.ts'
import { entryOf, type MapEntry, type Place, type SourceFile, type SpecNode } from '../spec/tree.ts'
import type { Collection } from './collection.ts'
import type { Origins } from './origins.ts'
import type { PageQuery } from './page.ts'

/** What pages are checked against. */
export interface PagesContext {
  readonly collections: readonly Collection[]
  readonly registry: Registry
  /** Specs of the project have errors: what is unknown may be written by one of them. */
  readonly isPartial: boolean
}

/** What is known of a page while it is read. */
export interface PageReading {
  readonly file: SourceFile
  readonly report: Report
  readonly context: PagesContext
  readonly inputs: Readonly<Record<string, InputType>>
  /** Those without a type, which was reported. */
  readonly brokenInputs: ReadonlySet<string>
  readonly queries: ReadonlyMap<string, CheckingQuery>
  /** The pages of the project by name, each with its inputs. */
  readonly pages: ReadonlyMap<string, PageHead>
}

/** What other pages need to know of a page. */
export interface PageHead {
  readonly inputs: Readonly<Record<string, InputType>>
}

/** A query while its page is read. */
export interface CheckingQuery {
  readonly query: PageQuery
  readonly keyPlace: Place
  /** An element or another query reads it. */
  readonly isUsed: { value: boolean }
  readonly origins: Origins
}

/** The entries of a map by name; anything else is reported. */
export function namedEntries(entry: MapEntry | undefined, report: Report): readonly MapEntry[] {
  if (!entry) return []
  if (entry.value.kind === 'map') return entry.value.entries
  report('wrong_type', entry.value.place, entry.key, `\`${entry.key}\` must be a map by name`, { expected: 'a map' })
  return []
}

/** Reports a name that is not known. */
export function unknown(
  code: FindingCode,
  what: string,
  name: string,
  known: Iterable<string>,
  place: SpecNode['place'],
  path: string,
  report: Report,
): void {
  report(code, place, path, `there is no ${what} \`${name}\``, { hint: suggest(name, known) })
}

/** The node of an option that was read. */
export const nodeOf = (node: SpecNode, key: string): SpecNode => entryOf(node, key)?.value ?? node
