/**
 * Documents by key. Records of one key and split are written in order, so the last one wins; with several splits it
 * may be the last of any of them. `insert` keeps a first record in the same way and refuses the others. With `set`
 * the rule holds for each attribute of a document.
 */
import type { Sink } from '../case.ts'
import { type Arrival, identity, keyOf, type Prediction, type Row, accepted, textOf } from '../model/index.ts'
import { type Fault, firstFew } from './verdict.ts'

type KeySink = Sink & { readonly kind: 'key' }

/** The records that may win: in each split those of the last (or first) position, one for each path. */
function ends(arrivals: readonly Arrival[], which: 'first' | 'last'): Arrival[] {
  const ended: Arrival[] = []
  const splits = Map.groupBy(arrivals, ({ place, result, way }) =>
    place ? `${place.source}/${place.split}` : `${result} ${way}`,
  )
  for (const inSplit of splits.values()) {
    const indexes = inSplit.map(({ place }) => place?.index ?? 0)
    const end = which === 'last' ? Math.max(...indexes) : Math.min(...indexes)
    const at = inSplit.filter(({ place }) => (place?.index ?? 0) === end)
    for (const ofWay of Map.groupBy(at, ({ way }) => way).values())
      ended.push(which === 'last' ? ofWay.at(-1)! : ofWay[0]!)
  }
  return ended
}

export interface KeyedVerdict {
  readonly faults: readonly Fault[]
  /** Records that `insert` refuses. */
  readonly refused: readonly Arrival[]
}

/**
 * `groups`: the options of every choice; `stale`: records that were written, not saved, and then processed differently.
 */
export function judgeKeyed(
  sink: KeySink,
  prediction: Prediction,
  found: readonly Row[],
  groups: ReadonlyMap<string, ReadonlySet<string>>,
  stale?: Prediction,
): KeyedVerdict {
  const keyed = (of: Prediction | undefined) =>
    Map.groupBy(of ? accepted(of, sink.id) : [], (arrival) => keyOf(arrival, sink.key))
  const byKey = keyed(prediction)
  const old = keyed(stale)
  const documents = new Map(found.map((row) => [textOf(sink.key.map((name) => row[name])), row]))
  // Instead of a record that is an option, another option may have passed.
  const lost = [...byKey].filter(([key, of]) => !documents.has(key) && of.some(({ choice }) => !choice))
  const beyond = [...documents.keys()].filter((key) => !byKey.has(key) && !old.has(key))
  const faults: Fault[] = []
  const refused: Arrival[] = []
  if (lost.length > 0)
    faults.push({ kind: 'lost', at: sink.id, text: `no document of ${firstFew(lost.map(([key]) => key))}` })
  faults.push(...judgeChoices(sink, accepted(prediction, sink.id), groups, documents))
  if (beyond.length > 0) faults.push({ kind: 'unexpected', at: sink.id, text: `documents of ${firstFew(beyond)}` })
  for (const [key, ofKey] of byKey) {
    const document = documents.get(key)
    if (!document) continue
    if (sink.write === 'set') faults.push(...judgeSet(sink, key, ofKey, old.get(key) ?? [], document))
    else {
      const may = ends(ofKey, sink.write === 'insert' ? 'first' : 'last')
      const isIt = ({ row }: Arrival) => textOf(row) === textOf(document)
      const winner = may.find(isIt)
      if (winner && sink.write === 'insert')
        refused.push(...ofKey.filter((arrival) => identity(arrival) !== identity(winner)))
      if (winner || old.get(key)?.some(isIt)) continue
      const allowed = firstFew(may.map(({ row }) => textOf(row)))
      faults.push({ kind: 'last', at: sink.id, text: `${key} is ${textOf(document)} instead of ${allowed}` })
    }
  }
  return { faults, refused }
}

/** If every option of a choice reaches this sink, one of them is there. */
function judgeChoices(
  sink: KeySink,
  arrivals: readonly Arrival[],
  groups: ReadonlyMap<string, ReadonlySet<string>>,
  documents: ReadonlyMap<string, Row>,
): Fault[] {
  const here = Map.groupBy(
    arrivals.filter(({ choice }) => choice),
    ({ choice }) => choice!.group,
  )
  return [...here].flatMap(([group, options]): Fault[] => {
    const isAll = new Set(options.map(({ choice }) => choice!.option)).size === groups.get(group)?.size
    if (!isAll || options.some((arrival) => documents.has(keyOf(arrival, sink.key)))) return []
    return [{ kind: 'lost', at: sink.id, text: `no document of any record of ${group}` }]
  })
}

function judgeSet(
  sink: KeySink,
  key: string,
  arrivals: readonly Arrival[],
  stale: readonly Arrival[],
  document: Row,
): Fault[] {
  const attributes = Object.keys(document).filter((name) => !sink.key.includes(name))
  const byName = Map.groupBy(arrivals, ({ row }) => row['u'] as string)
  const wrong = [
    ...[...byName.keys()].filter((name) => !attributes.includes(name)).map((name) => `${name} is missing`),
    ...attributes
      .filter((name) => !byName.has(name) && !stale.some(({ row }) => row['u'] === name))
      .map((name) => `${name} is too many`),
  ]
  for (const [name, ofName] of byName) {
    const value = document[name]
    const old = stale.filter(({ row }) => row['u'] === name)
    const may = [...ends(ofName, 'last'), ...old].map(({ row }) => textOf({ n: row['n'], q: row['q'] }))
    if (value !== undefined && !may.includes(textOf(value)))
      wrong.push(`${name} is ${textOf(value)} instead of ${firstFew(may)}`)
  }
  return wrong.length > 0 ? [{ kind: 'last', at: sink.id, text: `document of ${key}: ${firstFew(wrong)}` }] : []
}
