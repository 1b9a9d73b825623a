/** Edits of an interrupted bounded run: only what does not affect the result may differ. */
import { canonical, type Signature } from '../plan/signature.ts'
import { differenceOf, renamedSinks } from './difference.ts'
import { type Edit, type Edits, type NodeFacts, type Nodes, ways } from './edit.ts'

export function wholeEdits(saved: Signature, now: Signature): Edits {
  const edits: Edit[] = []
  const refuse = (node: string, what: string) =>
    edits.push({ node, effect: 'refused', what, ways: [ways.finish, ways.reset] })
  if (saved.runs !== now.runs) refuse('', `runs was ${saved.runs}, is now ${now.runs}`)
  const before = underNewNames(saved, now, edits)
  const renames = renamedSinks(before.sinks, now.sinks)
  for (const [from, to] of renames) edits.push({ node: to, effect: 'kept', what: `sink ${from} is now ${to}` })
  const isRenamed = (id: string) => renames.some(([from, to]) => from === id || to === id)
  for (const kind of ['source', 'step', 'sink'] as const) {
    const [a, b] = [before[`${kind}s`], now[`${kind}s`]]
    for (const id of new Set([...Object.keys(a), ...Object.keys(b)])) {
      const what = isRenamed(id) ? undefined : differenceOf(kind, id, a[id], b[id])
      if (what === undefined) continue
      if (isNeverMet(a[id], b[id])) edits.push({ node: id, effect: 'kept', what })
      else refuse(id, what)
    }
  }
  return { edits, renames, discards: { steps: [], sinks: [] }, recount: edits.length > 0 }
}

/** Only `on_error` differs, and it was `stop`: no processed record has been subject to either rule. */
const isNeverMet = (a: NodeFacts | undefined, b: NodeFacts | undefined): boolean =>
  a !== undefined &&
  b !== undefined &&
  a['onError'] === 'stop' &&
  canonical({ ...a, onError: null }) === canonical({ ...b, onError: null })

/** The saved signature with the new names of steps whose names are in no id and no memory. */
function underNewNames(saved: Signature, now: Signature, edits: Edit[]): Signature {
  let before = saved
  for (const [from, facts] of Object.entries(saved.steps)) {
    if (from in now.steps || facts['namesIds'] === true || facts['stateHash'] !== undefined) continue
    const same = (id: string) =>
      !(id in saved.steps) &&
      now.steps[id]!['type'] === facts['type'] &&
      canonical(now.steps[id]!['config']) === canonical(facts['config'])
    const to = Object.keys(now.steps).find(same)
    if (to === undefined) continue
    before = { ...before, steps: renamedIn(before.steps, from, to), sinks: renamedIn(before.sinks, from, to) }
    edits.push({ node: to, effect: 'kept', what: `step ${from} is now ${to}` })
  }
  return before
}

/** Two nodes that are equal except for the id of one node, as its own id and where it is read. */
const renamedIn = (nodes: Nodes, from: string, to: string): Nodes =>
  Object.fromEntries(
    Object.entries(nodes).map(([id, facts]) => {
      const reads = facts['from'] as readonly string[] | undefined
      const own = reads?.includes(from) ? { ...facts, from: reads.map((name) => (name === from ? to : name)) } : facts
      return [id === from ? to : id, own]
    }),
  )
