/**
 * Rewrites what cases expect with what came out. Only the text of what is wrong changes: records that are right, the
 * rest of the file, its layout and its comments stay as they are.
 */
import type { Json } from '../record/index.ts'
import { entryOf, type ListNode, type MapEntry, type MapNode, type SpecNode } from '../spec/tree.ts'
import type { PairStep } from './compare.ts'
import type { Case, TestFile } from './file.ts'
import { flowText } from './flow.ts'
import type { CaseOutput, CaseResult } from './run.ts'
import type { Plain } from './rows.ts'

/** A case whose result becomes what it expects. */
export interface CaseUpdate {
  readonly case: Case
  readonly result: CaseResult
}

interface TextEdit {
  readonly start: number
  readonly end: number
  readonly text: string
}

const maxColumns = 120

/** The new text of a test file. Cases on one line, `{ name: ..., given: ... }`, stay as they are. */
export function updateTestFile(file: TestFile, updates: readonly CaseUpdate[]): string {
  const { text } = file.file
  const edits = updates.flatMap(({ case: one, result }) => editsOf(text, one, result))
  return edits
    .toSorted((a, b) => b.start - a.start)
    .reduce((all, { start, end, text: now }) => all.slice(0, start) + now + all.slice(end), text)
}

function editsOf(text: string, one: Case, result: CaseResult): TextEdit[] {
  const { node, expect } = one
  if (node.kind !== 'map' || text[node.place.start] === '{') return []
  const wanted = result.outputs.filter((each) => each.steps || result.isOpen)
  const error = result.error && { code: result.error.code }
  if (!expect || expect.value.kind !== 'map' || expect.value.entries.length === 0) {
    const indent = columnOf(text, node.entries[0]!.keyPlace.start)
    const entries = [
      ...wanted.filter(isWorthShowing).map(({ sink, records }) => [sink, records.map(shown(sink))] as const),
      ...(error ? [['error', error] as const] : []),
    ]
    const block = `${' '.repeat(indent)}expect:${entries.length === 0 ? ' {}\n' : `\n${entriesText(entries, indent + 2)}`}`
    if (!expect) return [{ ...after(text, node), text: block }]
    return [{ start: lineStart(text, expect.keyPlace.start), end: after(text, expect.value).start, text: block }]
  }
  const inFlow = text[expect.value.place.start] === '{'
  return [
    ...wanted.flatMap((output) => outputEdits(text, expect.value as MapNode, output, inFlow)),
    ...(result.isErrorWrong ? errorEdits(text, expect.value, error) : []),
  ]
}

/** In a new `expect`, an empty dead letter is left out: a case always expects none. */
const isWorthShowing = ({ sink, records }: CaseOutput): boolean =>
  (sink !== 'dead_letter' && sink !== 'answers') || records.length > 0

/** Of a letter or an answer, what says why a record is bad; texts change with every edit. */
const shown =
  (sink: string) =>
  (record: Plain): Plain => {
    if (sink !== 'dead_letter' && sink !== 'answers') return record
    const fields = ['step', 'outcome', 'code', 'field', 'record'].filter((name) => record[name] !== undefined)
    return Object.fromEntries(fields.map((name) => [name, record[name]!]))
  }

function outputEdits(text: string, expect: MapNode, output: CaseOutput, inFlow: boolean): TextEdit[] {
  const { sink, records, steps = [] } = output
  if (steps.every(({ kind }) => kind === 'same')) return []
  const entry = entryOf(expect, sink)
  const rows = records.map(shown(sink))
  if (!entry) return [insertion(text, expect, sink, rows, inFlow)]
  const list = entry.value
  const isBlock = list.kind === 'list' && text[list.place.start] === '-'
  if (isBlock && rows.length > 0) {
    const start = lineStart(text, list.place.start)
    return [{ start, end: after(text, list).start, text: blockText(text, list as ListNode, steps, rows) }]
  }
  const indent = columnOf(text, entry.keyPlace.start)
  const flow = ` ${flowText(rows)}`
  const fits = inFlow || rows.length === 0 || indent + sink.length + 1 + flow.length <= maxColumns
  return [
    {
      start: entry.keyPlace.end + text.slice(entry.keyPlace.end).indexOf(':') + 1,
      end: list.place.end,
      text: fits ? flow : `\n${itemsText(rows, indent + 2).trimEnd()}`,
    },
  ]
}

/** The lines of a list, in the order of the records; lines of records that are right stay, and all comments. */
function blockText(text: string, list: ListNode, steps: readonly PairStep[], rows: readonly Plain[]): string {
  const indent = columnOf(text, list.place.start)
  let from = lineStart(text, list.place.start)
  const chunks = list.items.map((item) => {
    const chunk = text.slice(from, after(text, item).start)
    from = after(text, item).start
    return chunk
  })
  const comments = (chunk: string) => /^(?:[ \t]*(?:#[^\n]*)?\n)*/.exec(chunk)![0]
  return steps
    .map((step) => {
      if (step.kind === 'same') return withBreak(chunks[step.i]!)
      if (step.kind === 'missing') return ''
      const before = 'i' in step ? comments(chunks[step.i]!) : ''
      return `${before}${itemsText([rows[step.j]!], indent)}`
    })
    .join('')
}

const withBreak = (chunk: string): string => (chunk.endsWith('\n') ? chunk : `${chunk}\n`)

function insertion(text: string, map: MapNode, key: string, value: Json | readonly Plain[], inFlow: boolean): TextEdit {
  if (inFlow) {
    const at = map.entries.at(-1)!.value.place.end
    return { start: at, end: at, text: `, ${key}: ${flowText(value)}` }
  }
  const indent = columnOf(text, map.entries[0]!.keyPlace.start)
  return { ...after(text, map), text: entriesText([[key, value]], indent) }
}

function errorEdits(text: string, expect: MapNode, error: Json | undefined): TextEdit[] {
  const entry = entryOf(expect, 'error')
  const inFlow = text[expect.place.start] === '{'
  if (!entry) return error === undefined ? [] : [insertion(text, expect, 'error', error, inFlow)]
  if (error !== undefined)
    return [{ start: entry.value.place.start, end: entry.value.place.end, text: flowText(error) }]
  return [removal(text, expect, entry, inFlow)]
}

function removal(text: string, map: MapNode, entry: MapEntry, inFlow: boolean): TextEdit {
  if (map.entries.length === 1) return { start: map.place.start, end: map.place.end, text: '{}' }
  if (!inFlow) return { start: lineStart(text, entry.keyPlace.start), end: after(text, entry.value).start, text: '' }
  const at = map.entries.indexOf(entry)
  return at === 0
    ? { start: entry.keyPlace.start, end: map.entries[1]!.keyPlace.start, text: '' }
    : { start: map.entries[at - 1]!.value.place.end, end: entry.value.place.end, text: '' }
}

function entriesText(entries: readonly (readonly [string, Json | readonly Plain[]])[], indent: number): string {
  return entries
    .map(([key, value]) => {
      const head = `${' '.repeat(indent)}${key}:`
      if (Array.isArray(value) && value.length > 0) return `${head}\n${itemsText(value as Plain[], indent + 2)}`
      return `${head} ${flowText(value)}\n`
    })
    .join('')
}

/** The items of a block list, each on a line. */
export const itemsText = (rows: readonly Plain[], indent: number): string =>
  rows.map((row) => `${' '.repeat(indent)}- ${flowText(row)}\n`).join('')

const lineStart = (text: string, offset: number): number => text.lastIndexOf('\n', offset - 1) + 1
const columnOf = (text: string, offset: number): number => offset - lineStart(text, offset)

/** The start of the line after a node. */
function after(text: string, node: SpecNode): { readonly start: number; readonly end: number } {
  const end = text.indexOf('\n', Math.max(node.place.start, node.place.end - 1))
  const start = end < 0 ? text.length : end + 1
  return { start, end: start }
}
