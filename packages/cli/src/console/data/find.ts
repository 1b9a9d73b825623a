/** The collections and tables that pipelines write, and queries of them. */
import type { CollectionLine, QueryProblem } from '@millrace/console/wire'
import {
  type BoundQuery,
  type CheckedQuery,
  checkQuery,
  type Collection,
  collectionsOf,
  fieldOf,
  MillraceError,
  orderOf,
  type Registry,
  rowsOf,
  type RowSource,
  systemClock,
  typeText,
} from '@millrace/core'
import type { Accepted } from '../../serve/specs.ts'
import type { Opened } from '../../spec.ts'

/** A collection, and the first pipeline that writes it. */
export interface FoundCollection {
  readonly line: CollectionLine
  readonly collection: Collection
  readonly accepted: Accepted
}

/** All collections, each once, by place and name. */
export function findCollections(accepted: readonly Accepted[]): readonly FoundCollection[] {
  const found = new Map<string, FoundCollection & { readonly line: { readonly writtenBy: string[] } }>()
  for (const each of accepted)
    for (const collection of collectionsOf([each.plan])) {
      const place = collection.sink.connection ?? `${each.name}.${collection.sink.id}`
      const key = JSON.stringify([place, collection.name])
      const known = found.get(key) ?? {
        line: { ...lineOf(collection, place, each.registry), writtenBy: [] },
        collection,
        accepted: each,
      }
      if (!known.line.writtenBy.includes(each.name)) known.line.writtenBy.push(each.name)
      found.set(key, known)
    }
  return [...found.values()].toSorted(
    ({ line: a }, { line: b }) => a.place.localeCompare(b.place) || a.collection.localeCompare(b.collection),
  )
}

const lineOf = ({ name, sink, documents }: Collection, place: string, registry: Registry) => ({
  place,
  collection: name,
  type: sink.type,
  columns: Object.keys(documents.fields).map((field) => {
    const { type } = fieldOf(documents, field)!
    return { name: field, type: typeText(type), canSort: orderOf(type) !== undefined }
  }),
  canQuery: registry.sink(sink.type)!.query !== undefined,
})

/** A query as a browser sends it. */
export interface AskedQuery {
  readonly where: string
  readonly sort: string
  /** A store that bills every read may read all. */
  readonly scan: boolean
}

/** The query in an address. */
export const askedIn = (query: URLSearchParams): AskedQuery => ({
  where: query.get('where')?.trim() ?? '',
  sort: query.get('sort') ?? '',
  scan: query.get('scan') === 'true',
})

/** Checks a query against the type of its collection. */
export const checkAsked = (
  { collection }: FoundCollection,
  { where, sort, scan }: AskedQuery,
  limit?: number,
): CheckedQuery =>
  checkQuery(
    {
      ...(where === '' ? {} : { where }),
      ...(sort === '' ? {} : { sort: [sort] }),
      ...(limit === undefined ? {} : { limit }),
      scan,
    },
    collection,
  )

/** What is wrong with it, for the one who wrote it. */
export const problemsIn = ({ problems }: CheckedQuery): readonly QueryProblem[] =>
  problems.map(({ at, code, message, hint, span }) => ({ clause: String(at[0] ?? 'where'), code, message, hint, span }))

/** The query with its values. Throws the first problem. */
export function bound(checked: CheckedQuery): BoundQuery {
  const [problem] = checked.problems
  if (problem) throw new MillraceError(problem.code, problem.message, { hint: problem.hint, exitCode: 2 })
  return checked.bind({}, systemClock.now())
}

/** Reads its rows. Throws `not_queried`. */
export function rowsIn({ collection }: FoundCollection, { registry, workspace }: Opened): RowSource {
  const source = rowsOf(collection, registry, workspace)
  if (source) return source
  throw new MillraceError('not_queried', `A sink of type ${collection.sink.type} cannot be queried.`)
}
