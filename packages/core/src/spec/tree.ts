/**
 * A YAML file as a tree in which every node has its place, so that each finding has a line and column. Keys are plain
 * text.
 */

/** A file that was read, as findings name it: relative to the project folder. */
export interface SourceFile {
  readonly path: string
  readonly text: string
}

/** A range of a file, in UTF-16 units from its start. */
export interface Place {
  readonly file: SourceFile
  readonly start: number
  readonly end: number
}

/** A piece of a text with secrets: plain text, or the name of a secret. */
export type TextPart = string | { readonly $secret: string }

/** A value that an interpolation put into a text. */
export interface Insert {
  /** Where the value is in the text, in UTF-16 units. */
  readonly start: number
  readonly end: number
  /** The interpolation as written. */
  readonly written: string
  /** It is text even if it looks like a number or a boolean: its var says so. */
  readonly isText: boolean
}

export interface ScalarNode {
  readonly kind: 'scalar'
  readonly place: Place
  /** The value that YAML produces; a bigint where a number would be rounded. */
  readonly value: string | number | bigint | boolean | null
  /** The text as written, without quotes. */
  readonly text: string
  readonly style: 'plain' | 'quoted' | 'block'
  /** What YAML removed from it: a tag, an anchor, an alias, or the rest of the line as a comment. */
  readonly mangled?: {
    readonly by: 'tag' | 'anchor' | 'alias' | 'comment'
    readonly text: string
    readonly place: Place
  }
  /** It was a single interpolation: its text is read as whatever type is needed. */
  readonly inserted?: boolean
  /** The values that were put into `text`, in their order. */
  readonly inserts?: readonly Insert[]
  /** An interpolation in it has no value, which was reported: nothing more is reported about it. */
  readonly broken?: boolean
  /** It contains secrets; `value` and `text` then have their references. */
  readonly parts?: readonly TextPart[]
}

export interface MapEntry {
  readonly key: string
  readonly keyPlace: Place
  readonly value: SpecNode
}

export interface MapNode {
  readonly kind: 'map'
  readonly place: Place
  readonly entries: readonly MapEntry[]
  /** A key that is not text was left out, and reported. */
  readonly hasBadKey?: boolean
}

export interface ListNode {
  readonly kind: 'list'
  readonly place: Place
  readonly items: readonly SpecNode[]
}

export type SpecNode = ScalarNode | MapNode | ListNode

/** The entry of a map with this key. */
export const entryOf = (node: SpecNode | undefined, key: string): MapEntry | undefined =>
  node?.kind === 'map' ? node.entries.find((entry) => entry.key === key) : undefined

/** The node at a path, or its nearest existing parent; `key` is the entry it belongs to. */
export function nodeAt(
  root: SpecNode,
  path: readonly (string | number)[],
): { readonly node: SpecNode; readonly key?: MapEntry; readonly found: boolean } {
  let node = root
  let key: MapEntry | undefined
  for (const part of path) {
    const entry = node.kind === 'map' ? entryOf(node, String(part)) : undefined
    const next = node.kind === 'list' ? node.items[Number(part)] : entry?.value
    if (!next) return key ? { node, key, found: false } : { node, found: false }
    node = next
    key = entry
  }
  return key ? { node, key, found: true } : { node, found: true }
}

/** No value was written: `key:` and nothing after it. */
export const isEmpty = (node: SpecNode): boolean => node.kind === 'scalar' && node.value === null

/** A node as a plain value: maps as objects, numbers too large for a double as text. */
export function plainValue(node: SpecNode): unknown {
  if (node.kind === 'map') return Object.fromEntries(node.entries.map((entry) => [entry.key, plainValue(entry.value)]))
  if (node.kind === 'list') return node.items.map(plainValue)
  return typeof node.value === 'bigint' ? node.text : node.value
}

const lineStarts = new WeakMap<SourceFile, number[]>()

/** Line and column, both 1-based; columns in UTF-16 units, as in editors. */
export function lineAndColumn(file: SourceFile, offset: number): { readonly line: number; readonly col: number } {
  let starts = lineStarts.get(file)
  if (!starts) {
    starts = [0]
    for (let i = file.text.indexOf('\n'); i >= 0; i = file.text.indexOf('\n', i + 1)) starts.push(i + 1)
    lineStarts.set(file, starts)
  }
  let low = 0
  let high = starts.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (starts[middle]! <= offset) low = middle
    else high = middle - 1
  }
  return { line: low + 1, col: offset - starts[low]! + 1 }
}

/**
 * The place of characters `span` of a scalar's value. Exact if the value is in the file literally, or line by line in a
 * block; otherwise the whole scalar.
 */
export function placeWithin(node: ScalarNode, span: readonly [start: number, end: number]): Place {
  const { file, start, end } = node.place
  const written = file.text.slice(start, end)
  const value = typeof node.value === 'string' ? node.value : node.text
  if (node.parts || node.inserts?.length || value === '') return node.place
  const at = written.indexOf(value)
  if (at >= 0) return { file, start: start + at + span[0], end: start + at + Math.max(span[1], span[0] + 1) }
  if (node.style !== 'block') return node.place
  let line = start + written.indexOf('\n') + 1
  let before = 0
  for (const text of value.split('\n')) {
    const indented = file.text.indexOf(text, line)
    if (indented < 0 || indented >= end) return node.place
    if (span[0] <= before + text.length) {
      const from = indented + span[0] - before
      return {
        file,
        start: from,
        end: Math.max(from + 1, Math.min(indented + text.length, indented + span[1] - before)),
      }
    }
    before += text.length + 1
    line = indented + text.length
  }
  return node.place
}
