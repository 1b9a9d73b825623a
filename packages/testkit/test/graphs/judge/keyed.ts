/**
 * Documents by key. Of one split a key's records come in order, so the last of them is the document; of several splits
 * any one's last may be it. `insert` keeps a first one in the same way and refuses the others; with `set`, each record is
 * an attribute of the document, for which the same holds.
 */
import type { Sink } from '../case.ts'
import { type Arrival, identity, keyOf, type Prediction, type Row, taken, textOf } from '../model/index.ts'
import { type Fault, few } from './verdict.ts'

type KeySink = Sink & { readonly kind: 'key' }

/**
 * The records that may be the last, or the first, of these: of each split those at its end, where several ways lead to
 * one place in the split each way's own.
 */
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
  /** Records that `insert` must have refused. */
  readonly refused: readonly Arrival[]
}

/** `stale`: what may have been written before it was saved and then came again as something else. */
export function judgeKeyed(
  sink: KeySink,
  prediction: Prediction,
  found: readonly Row[],
  stale?: Prediction,
): KeyedVerdict {
  const keyed = (of: Prediction | undefined) =>
    Map.groupBy(of ? taken(of, sink.id) : [], (arrival) => keyOf(arrival, sink.key))
  const byKey = keyed(prediction)
  const old = keyed(stale)
  const documents = new Map(found.map((row) => [textOf(sink.key.map((name) => row[name])), row]))
  const lost = [...byKey.keys()].filter((key) => !documents.has(key))
  const beyond = [...documents.keys()].filter((key) => !byKey.has(key) && !old.has(key))
  const faults: Fault[] = []
  const refused: Arrival[] = []
  if (lost.length > 0) faults.push({ wrong: 'lost', at: sink.id, text: `no document of ${few(lost)}` })
  if (beyond.length > 0) faults.push({ wrong: 'beyond', at: sink.id, text: `documents of ${few(beyond)}` })
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
      const allowed = few(may.map(({ row }) => textOf(row)))
      faults.push({ wrong: 'last', at: sink.id, text: `${key} is ${textOf(document)} instead of ${allowed}` })
    }
  }
  return { faults, refused }
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
      wrong.push(`${name} is ${textOf(value)} instead of ${few(may)}`)
  }
  return wrong.length > 0 ? [{ wrong: 'last', at: sink.id, text: `document of ${key}: ${few(wrong)}` }] : []
}
