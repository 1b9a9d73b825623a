/**
 * YAML to a tree with places. Before parsing, text is scanned once, in linear time and constant stack: one that is too
 * large, or nested deeper than 64, is refused, since a thousand open brackets can crash the process. Aliases are
 * resolved here, with a limit, so that a few lines cannot expand into millions of nodes. What YAML removes from a value
 * (tag, anchor, alias, comment) is kept with it: where an expression was meant, that is the mistake.
 */
import {
  type Alias,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  type Node,
  type Pair,
  parseDocument,
  type Scalar,
} from 'yaml'
import type { Report } from './finding.ts'
import { pathText } from './finding.ts'
import type { MapEntry, Place, ScalarNode, SourceFile, SpecNode } from './tree.ts'

export const maxBytes = 256 * 1024
const maxDepth = 64
const maxAliasedNodes = 1_000

/** Reads one YAML (or JSON) document. Undefined if there is nothing left to check; the report says why. */
export function parseYaml(file: SourceFile, report: Report): SpecNode | undefined {
  const { text } = file
  const at = (start: number, end = start): Place => ({ file, start, end })
  if (text.length > maxBytes || Buffer.byteLength(text) > maxBytes) {
    report('yaml_too_large', at(0), '', 'the file is larger than 256 KiB', { expected: 'at most 256 KiB' })
    return undefined
  }
  const tooDeep = findTooDeep(text)
  if (tooDeep !== undefined) {
    report('yaml_too_deep', at(tooDeep, tooDeep + 1), '', `nested deeper than ${maxDepth} levels`)
    return undefined
  }
  const document = parseDocument(text, {
    prettyErrors: false,
    uniqueKeys: false,
    intAsBigInt: true,
    logLevel: 'error',
    version: '1.2',
  })
  for (const error of document.errors.slice(0, 10)) {
    const [start, end] = error.pos
    if (error.code === 'MULTIPLE_DOCS')
      report('yaml_documents', at(start, end), '', 'a file holds one document; another one starts here')
    else
      report(
        'yaml_syntax',
        at(start, end),
        '',
        syntaxMessage(error.code, error.message),
        quotable.has(error.code) ? { hint: 'put the value in quotes' } : {},
      )
  }
  if (document.errors.length > 0) return undefined
  const tags = new Map(
    document.warnings.filter((w) => w.code === 'TAG_RESOLVE_FAILED').map((w) => [w.pos[1], w.pos[0]]),
  )
  return buildTree(file, document.contents, tags, report)
}

const quotable: ReadonlySet<string> = new Set([
  'BLOCK_AS_IMPLICIT_KEY',
  'BLOCK_IN_FLOW',
  'MULTIPLE_ANCHORS',
  'BAD_SCALAR_START',
  'UNEXPECTED_TOKEN',
  'MISSING_CHAR',
])

function syntaxMessage(code: string, message: string): string {
  if (code === 'BLOCK_AS_IMPLICIT_KEY' || code === 'BLOCK_IN_FLOW')
    return 'this is not YAML: a `: ` inside a value starts a map'
  if (code === 'BAD_INDENT') return `this is not YAML: the indentation does not fit (${message})`
  return `this is not YAML: ${message.charAt(0).toLowerCase()}${message.slice(1)}`
}

/**
 * Where the nesting first exceeds the limit; undefined: nowhere. Counts open brackets, deeper indentation, and `-`, `?`
 * and `:` that open a level.
 */
function findTooDeep(text: string): number | undefined {
  const columns: number[] = []
  let flow = 0
  let offset = 0
  let column = 0
  let isLineStart = true
  const open = (at: number) => {
    while (columns.length > 0 && columns.at(-1)! > at) columns.pop()
    if (columns.at(-1) !== at) columns.push(at)
  }
  for (const token of new Lexer().lex(text)) {
    const first = token[0]
    if (first === '\n' || first === '\r') {
      isLineStart = true
      column = 0
      offset += token.length
      continue
    }
    // U+0002 (start of document), U+0018 and U+001F are lexer tokens without a character in the text.
    if (first === '\u0002' || first === '\u0018' || first === '\u001f') continue
    const isSpace = first === ' ' || first === '\t'
    if (token === '[' || token === '{') flow++
    else if (token === ']' || token === '}') flow = Math.max(0, flow - 1)
    else if (flow === 0 && !isSpace && first !== '#' && (isLineStart || token === '-' || token === '?')) open(column)
    if (flow + columns.length > maxDepth) return offset
    if (!isSpace) isLineStart = token === '-' || token === '?' ? isLineStart : false
    const lastBreak = token.lastIndexOf('\n')
    column = lastBreak >= 0 ? token.length - lastBreak - 1 : column + token.length
    if (lastBreak >= 0 && lastBreak === token.length - 1) isLineStart = true
    offset += token.length
  }
  return undefined
}

/** Builds the tree from the parser's nodes, following aliases. */
function buildTree(
  file: SourceFile,
  root: Node | null,
  tags: ReadonlyMap<number, number>,
  report: Report,
): SpecNode | undefined {
  const anchors = new Map<string, Node>()
  const open = new Set<Node>()
  let aliased = 0
  const at = (start: number, end: number): Place => ({ file, start, end })
  const placeOf = (node: Node): Place => at(node.range?.[0] ?? 0, node.range?.[1] ?? 0)
  const empty = (place: Place): ScalarNode => ({ kind: 'scalar', place, value: null, text: '', style: 'plain' })

  const build = (node: Node, path: string, isAliased: boolean): SpecNode => {
    if (isAliased && ++aliased > maxAliasedNodes) return empty(placeOf(node))
    if (isAlias(node)) return follow(node, path)
    if (node.anchor) anchors.set(node.anchor, node)
    open.add(node)
    const built = isMap(node)
      ? buildMap(node.items, node, path, isAliased)
      : isSeq(node)
        ? buildList(node.items, node, path, isAliased)
        : buildScalar(node as Scalar)
    open.delete(node)
    return built
  }

  const follow = (alias: Alias, path: string): SpecNode => {
    const target = anchors.get(alias.source)
    if (target && open.has(target)) {
      report('yaml_alias', placeOf(alias), path, `\`*${alias.source}\` is inside the node it refers to`)
      return empty(placeOf(alias))
    }
    if (target) return build(target, path, true)
    const place = placeOf(alias)
    return { ...empty(place), mangled: { by: 'alias', text: `*${alias.source}`, place } }
  }

  const buildMap = (
    items: readonly Pair<unknown, unknown>[],
    node: Node,
    path: string,
    isAliased: boolean,
  ): SpecNode => {
    const entries: MapEntry[] = []
    const seen = new Set<string>()
    let hasBadKey = false
    for (const pair of items) {
      const keyNode = pair.key as Node | null
      const keyPlace = keyNode ? placeOf(keyNode) : placeOf(node)
      const key =
        isScalar(keyNode) && keyNode.value !== null
          ? typeof keyNode.value === 'string'
            ? keyNode.value
            : (keyNode.source ?? String(keyNode.value))
          : undefined
      if (key === undefined || (isScalar(keyNode) && keyNode.tag && !keyNode.tag.startsWith('tag:yaml.org'))) {
        report('yaml_key', keyPlace, path, 'a key must be text')
        hasBadKey = true
        continue
      }
      const keyPath = pathText(path, [key])
      if (key === '__proto__') report('reserved_key', keyPlace, keyPath, '`__proto__` cannot be a key')
      else if (seen.has(key)) report('duplicate_key', keyPlace, keyPath, `\`${key}\` is given twice`)
      else {
        const value = pair.value ? build(pair.value as Node, keyPath, isAliased) : empty(at(keyPlace.end, keyPlace.end))
        entries.push({ key, keyPlace, value })
      }
      seen.add(key)
    }
    noTag(node, path)
    return { kind: 'map', place: placeOf(node), entries, hasBadKey }
  }

  const buildList = (items: readonly unknown[], node: Node, path: string, isAliased: boolean): SpecNode => {
    noTag(node, path)
    // In a flow list, `a: b` is a pair without a map of its own: the parser makes one.
    return {
      kind: 'list',
      place: placeOf(node),
      items: items.map((item, i) => (item ? build(item as Node, `${path}[${i}]`, isAliased) : empty(placeOf(node)))),
    }
  }

  const noTag = (node: Node, path: string) => {
    const start = tagStart(node)
    if (start !== undefined)
      report('yaml_tag', at(start, placeOf(node).start), path, `YAML reads \`${node.tag}\` as a tag`)
  }

  /** Where an unknown tag of this node begins; undefined: it has none. */
  const tagStart = (node: Node): number | undefined => {
    if (!node.tag || tags.size === 0) return undefined
    const start = node.range?.[0] ?? 0
    for (const [tagEnd, tagStartsAt] of tags)
      if (tagEnd <= start && file.text.slice(tagEnd, start).trim() === '') return tagStartsAt
    return undefined
  }

  const buildScalar = (node: Scalar): ScalarNode => {
    const place = placeOf(node)
    const style =
      node.type === 'PLAIN'
        ? 'plain'
        : node.type === 'BLOCK_FOLDED' || node.type === 'BLOCK_LITERAL'
          ? 'block'
          : 'quoted'
    const text = typeof node.value === 'string' ? node.value : (node.source ?? '')
    const base: ScalarNode = { kind: 'scalar', place, value: exact(node.value), text, style }
    const start = tagStart(node)
    if (start !== undefined) {
      const whole = at(start, Math.max(place.end, start))
      return {
        ...base,
        place: whole,
        mangled: { by: 'tag', text: file.text.slice(start, place.end).trimEnd(), place: whole },
      }
    }
    const comment =
      style === 'plain' && place.end > place.start
        ? /^[ \t]+#[^\n\r]*/.exec(file.text.slice(place.end, place.end + 500))
        : null
    return comment ? { ...base, mangled: { by: 'comment', text: comment[0].trim(), place } } : base
  }

  const tree = root ? build(root, '', false) : empty(at(0, 0))
  if (aliased <= maxAliasedNodes) return tree
  report('yaml_too_many_aliases', at(0, 0), '', `aliases expand this file by more than ${maxAliasedNodes} values`)
  return undefined
}

/** Whole numbers as numbers where a double holds them exactly. */
function exact(value: unknown): ScalarNode['value'] {
  if (typeof value === 'bigint')
    return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value
  return value === undefined ? null : (value as ScalarNode['value'])
}
