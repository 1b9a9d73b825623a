/** Differences between nodes of two signatures, in words. */
import { canonical } from '../plan/signature.ts'
import type { Json } from '../record/index.ts'
import type { NodeFacts, Nodes } from './edit.ts'

/** What differs between two nodes, with the values of the first options that do; undefined: nothing. */
export function differenceOf(
  kind: 'source' | 'step' | 'sink',
  id: string,
  before: NodeFacts | undefined,
  after: NodeFacts | undefined,
): string | undefined {
  if (!before) return `${kind} ${id} is new`
  if (!after) return `${kind} ${id} is gone`
  const found: string[] = []
  compare(before, after, '', found)
  if (found.length === 0) return undefined
  const more = found.length > 3 ? ` and ${found.length - 3} more` : ''
  return `${kind} ${id} was changed: ${found.slice(0, 3).join(', ')}${more}`
}

/** Derived from the rest of a node, and not shown to users. */
const derived = new Set(['stateHash', 'counts', 'namesIds', 'namedFrom'])

const isMap = (value: Json | undefined): value is { readonly [key: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function compare(a: Json | undefined, b: Json | undefined, path: string, found: string[]): void {
  if (canonical(a) === canonical(b)) return
  if (!isMap(a) || !isMap(b)) {
    found.push(`${path.replace(/^config\./, '')} was ${shown(a)}, is now ${shown(b)}`)
    return
  }
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
    if (path === '' && derived.has(key)) continue
    compare(a[key], b[key], path ? `${path}.${key}` : key, found)
  }
}

function shown(value: Json | undefined): string {
  const text = value === undefined ? 'not set' : JSON.stringify(value)
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}

/** Sinks that differ only in their id: what they read, what they write and where is the same. */
export function renamedSinks(before: Nodes, now: Nodes): readonly (readonly [from: string, to: string])[] {
  const taken = new Set<string>()
  return Object.entries(before).flatMap(([from, facts]) => {
    if (from in now) return []
    const same = (id: string) => !(id in before) && !taken.has(id) && canonical(now[id]) === canonical(facts)
    const to = Object.keys(now).find(same)
    if (to === undefined) return []
    taken.add(to)
    return [[from, to] as const]
  })
}
