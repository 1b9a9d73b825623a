/** Reads and checks the queries of a page. */
import { checkQuery, type CheckedQuery, type QueryText } from '../query/index.ts'
import type { RecordType } from '../schema/index.ts'
import { readKeys } from '../spec/read.ts'
import { suggest } from '../spec/suggest.ts'
import { entryOf, type MapEntry, type SpecNode } from '../spec/tree.ts'
import { type CheckingQuery, namedEntries, nodeOf, type PageReading, unknown } from './reading.ts'
import type { Collection } from './collection.ts'
import { checkCounts, originsIn } from './origins.ts'
import type { PageQuery } from './page.ts'
import { queryShape } from './shape.ts'

/** Reads `queries:` into the map. Those that others read `from` come first, wherever they stand. */
export function readQueries(
  entry: MapEntry | undefined,
  connection: SpecNode | undefined,
  reading: PageReading,
  queries: Map<string, CheckingQuery>,
): void {
  const entries = new Map(namedEntries(entry, reading.report).map((each) => [each.key, each]))
  const open = new Set<string>()
  const visit = (each: MapEntry): void => {
    if (queries.has(each.key)) return
    const from = entryOf(each.value, 'from')?.value
    const before = from?.kind === 'scalar' ? entries.get(from.text) : undefined
    open.add(each.key)
    if (from && before && open.has(before.key))
      reading.report('bad_value', from.place, `queries.${each.key}.from`, 'queries read each other in a circle')
    else if (before) visit(before)
    open.delete(each.key)
    queries.set(each.key, readQuery(each, connection, new Set(entries.keys()), reading))
  }
  for (const each of entries.values()) visit(each)
}

function readQuery(
  { key, keyPlace, value: node }: MapEntry,
  connection: SpecNode | undefined,
  known: ReadonlySet<string>,
  reading: PageReading,
): CheckingQuery {
  const { report, queries, inputs, brokenInputs } = reading
  const path = `queries.${key}`
  const { values } = readKeys(node, queryShape, path, report)
  const text = values as QueryText & { readonly collection?: string; readonly from?: string }
  const from = text.from === undefined ? undefined : queries.get(text.from)
  const collection =
    text.from === undefined ? collectionFor(node, text.collection, connection, path, reading) : undefined
  if (text.from !== undefined) {
    const place = nodeOf(node, 'from').place
    if (text.collection !== undefined)
      report('bad_value', place, `${path}.from`, '`collection` and `from` cannot be combined', { hint: 'remove one' })
    else if (!from && !known.has(text.from))
      unknown('unknown_query', 'query', text.from, queries.keys(), place, `${path}.from`, report)
    else if (from) from.isUsed.value = true
  }
  const documents: RecordType | undefined = collection?.documents ?? from?.query.checked.output
  const checked = documents
    ? checkQuery(text, { documents, unfolding: collection?.unfolding, inputs })
    : unchecked(() => report.broken())
  for (const problem of checked.problems) {
    // Its type is wrong, which was reported.
    if (problem.code === 'unknown_input' && [...brokenInputs].some((name) => problem.message.includes(`\`${name}\``)))
      report.broken()
    else report.problem(problem, node, path)
  }
  const before = from?.origins ?? (collection ? originsIn(collection) : () => undefined)
  const origins = checkCounts(text, documents, before, node, path, report)
  if (collection && checked.problems.length === 0) checkLookUp(checked, text, collection, node, path, reading)
  const query: PageQuery = {
    name: key,
    checked,
    ...(collection ? { collection } : {}),
    ...(text.from === undefined ? {} : { from: text.from }),
  }
  return { query, keyPlace, isUsed: { value: false }, origins }
}

function unchecked(broken: () => void): CheckedQuery {
  broken()
  return {
    problems: [],
    needs: new Set(),
    reads: new Set(),
    looksUp: () => [],
    bind: () => {
      throw new Error('a query with problems is not run')
    },
  }
}

function collectionFor(
  node: SpecNode,
  name: string | undefined,
  connection: SpecNode | undefined,
  path: string,
  { report, context: { collections, isPartial } }: PageReading,
): Collection | undefined {
  if (name === undefined) {
    if (node.kind === 'map' && !entryOf(node, 'collection'))
      report('missing_key', { ...node.place, end: node.place.start }, path, 'either `collection` or `from` is needed')
    return undefined
  }
  const own = entryOf(node, 'connection')?.value ?? connection
  const store = own?.kind === 'scalar' ? own.text : undefined
  const isOf = ({ sink }: Collection) => store === undefined || sink.connection === store || sink.id === store
  const found = collections.find((each) => each.name === name && isOf(each))
  if (found) return found
  const stores = new Set(collections.map(({ sink }) => sink.connection ?? sink.id))
  // Other findings, of the specs, may be the reason.
  if (isPartial) report.broken()
  else if (store !== undefined && !collections.some(isOf))
    report('unknown_collection', own!.place, `${path}.connection`, `no pipeline writes a collection to \`${store}\``, {
      hint: suggest(store, stores),
    })
  else
    unknown(
      'unknown_collection',
      'collection',
      name,
      new Set(collections.filter(isOf).map((each) => each.name)),
      nodeOf(node, 'collection').place,
      `${path}.collection`,
      report,
    )
  return undefined
}

/** A look-up that reads all of a collection, and a store that refuses it. */
function checkLookUp(
  checked: CheckedQuery,
  text: QueryText,
  { sink, name }: Collection,
  node: SpecNode,
  path: string,
  { report, context, inputs }: PageReading,
): void {
  const definition = context.registry.sink(sink.type)!
  const nodeFor = nodeOf(node, 'collection')
  if (!definition.query) {
    report('not_queried', nodeFor.place, `${path}.collection`, `a sink of type ${sink.type} cannot be queried`)
    return
  }
  const empty = new Set(
    Object.keys(inputs).filter(
      (each) => inputs[each] !== 'time_range' && (inputs[each] as { optional: boolean }).optional,
    ),
  )
  const all = checked.looksUp()
  const always = checked.looksUp(empty)
  const found = definition.lookUp?.(sink.config as never, all)
  if (definition.lookUp?.(sink.config as never, always) === 'refused' && !text.scan)
    report(
      'reads_all',
      nodeFor.place,
      `${path}.collection`,
      `${name} would be read as a whole, which ${sink.type} bills`,
    )
  else if (all.length > 0 && found === 'all')
    report(
      'no_index',
      nodeOf(node, 'where').place,
      `${path}.where`,
      `no index of ${name} begins with ${all.join(' or ')}`,
      {
        hint: `add \`indexes: [[${all[0]}]]\` to the sink \`${sink.id}\``,
      },
    )
}
