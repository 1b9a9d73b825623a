/**
 * The script of a case: what each source delivers, and when. Times are virtual and fixed in advance, so a repetition
 * after a crash finds the same records at the same times. What the sources of a case deliver is played in the order of
 * its time; at one time, in the order in which the case lists the sources.
 */
import type { Decoder } from '../connector/index.ts'
import { DataError } from '../errors/index.ts'
import { type Beside, headersFromJson, type Headers, type Json, type Row } from '../record/index.ts'
import type { RecordType } from '../schema/index.ts'
import type { Report } from '../spec/finding.ts'
import { readKeys } from '../spec/read.ts'
import type { MapEntry, MapNode, SpecNode } from '../spec/tree.ts'
import { readTime } from './file.ts'
import { jsonValue, rowOf } from './rows.ts'
import { givenShape } from './shape.ts'

/** A record as its source delivers it, decoded or not. */
export interface ScriptRecord extends Beside {
  readonly row?: Row
  /** Its original text. */
  readonly bytes?: Uint8Array
  readonly context?: Json
  readonly bad?: DataError
}

/** What a source delivers at one time. */
export type ScriptEntry = { readonly atMs: number; readonly source: string } & (
  | { readonly kind: 'records'; readonly split: string; readonly records: readonly ScriptRecord[] }
  /** All splits, if none is named. */
  | { readonly kind: 'caught_up'; readonly split?: string }
  | { readonly kind: 'time' }
)

/** What is known of the source that a script is for. */
export interface ScriptSource {
  readonly id: string
  readonly schema: RecordType
  /** Its input ends, so that it is never caught up by itself. */
  readonly bounded: boolean
  /** Each record is a request, which is a split of its own. */
  readonly answers: boolean
  readonly decode: Decoder | undefined
}

const controls = ['split', 'key', 'headers', 'at', 'wait', 'caught_up']

/** One item of the list of a source. */
interface GivenItem {
  readonly record?: ScriptRecord
  readonly split?: string
  /** When it arrives, ms UTC. */
  readonly atMs?: number
  /** How long to wait after it. */
  readonly waitMs?: number
  readonly caughtUp?: boolean
}

/** The script of one source; what is wrong with it is reported. */
export function readScript(
  list: SpecNode,
  source: ScriptSource,
  clockMs: number,
  path: string,
  report: Report,
): ScriptEntry[] {
  if (list.kind !== 'list') {
    report('wrong_type', list.place, path, 'records are given as a list', { expected: 'a list' })
    return []
  }
  const entries: ScriptEntry[] = []
  const { id } = source
  let atMs = clockMs
  let requests = 0
  for (const [i, node] of list.items.entries()) {
    const { record, split, ...item } = readGivenItem(node, source, atMs, `${path}[${i}]`, report)
    const caughtUp = (): ScriptEntry => ({
      kind: 'caught_up',
      source: id,
      atMs,
      ...(record || split === undefined ? {} : { split }),
    })
    const waitUntil = (untilMs: number) => {
      if (item.caughtUp ?? !source.bounded) entries.push(caughtUp())
      atMs = untilMs
      entries.push({ kind: 'time', source: id, atMs })
    }
    const waits = (item.atMs ?? atMs) > atMs || item.waitMs !== undefined
    if (item.atMs !== undefined && item.atMs > atMs) waitUntil(item.atMs)
    if (record) {
      const own = split ?? (source.answers ? `request-${++requests}` : 'given')
      entries.push({ kind: 'records', source: id, atMs, split: own, records: [record] })
    }
    if (item.waitMs !== undefined) waitUntil(atMs + item.waitMs)
    if (item.caughtUp && !waits) entries.push(caughtUp())
  }
  return entries
}

function readGivenItem(node: SpecNode, source: ScriptSource, nowMs: number, path: string, report: Report): GivenItem {
  if (node.kind !== 'map' || !isLong(node, source.schema)) {
    const row = rowOf(node, source.schema, path, report)
    return row ? { record: { row } } : {}
  }
  const { keys, values } = readKeys(node, givenShape, path, report)
  const { split, key, tombstone, wait, caught_up: caughtUp } = values
  const at = keys.get('at')?.value
  const atMs = at && readTime(at, String(values['at']), `${path}.at`, report)
  if (at && atMs! < nowMs)
    report('bad_value', at.place, `${path}.at`, 'time does not go back', {
      hint: 'list what arrives in the order of its arrival',
    })
  const headers = readHeaders(keys.get('headers')?.value, `${path}.headers`, report)
  const beside: Beside = {
    ...(typeof key === 'string' ? { key } : {}),
    ...(headers ? { headers } : {}),
    ...(tombstone === true ? { tombstone } : {}),
  }
  const record = readRecord(keys, source, atMs ?? nowMs, beside, path, report)
  return {
    ...(record ? { record: { ...record, ...beside } } : {}),
    ...(typeof split === 'string' ? { split } : {}),
    ...(atMs === undefined ? {} : { atMs }),
    ...(typeof wait === 'number' ? { waitMs: wait } : {}),
    ...(typeof caughtUp === 'boolean' ? { caughtUp } : {}),
  }
}

function readRecord(
  keys: ReadonlyMap<string, MapEntry>,
  source: ScriptSource,
  arrivalMs: number,
  beside: Beside,
  path: string,
  report: Report,
): ScriptRecord | undefined {
  const raw = keys.get(beside.tombstone ? 'tombstone' : 'raw')?.value
  if (raw?.kind !== 'scalar') {
    const node = keys.get('record')?.value
    const row = node && rowOf(node, source.schema, `${path}.record`, report)
    return row && { row }
  }
  if (!source.decode) {
    report('bad_value', raw.place, `${path}.raw`, `${source.id} has no decoder for single records`, {
      hint: 'give the record under `record`',
    })
    return undefined
  }
  const context = keys.get('context')?.value
  const bytes = Buffer.from(beside.tombstone ? '' : raw.text)
  return decoded(bytes, context && (jsonValue(context) as Json), beside, source, arrivalMs)
}

/** A list of names and values, as text. */
function readHeaders(node: SpecNode | undefined, path: string, report: Report): Headers | undefined {
  if (!node) return undefined
  const given = jsonValue(node) as Json
  const isPair = (each: Json) =>
    Array.isArray(each) && each.length === 2 && typeof each[0] === 'string' && (each[1] === null || isText(each[1]))
  const isText = (value: unknown) => typeof value === 'string'
  if (Array.isArray(given) && given.every(isPair)) return headersFromJson(given)
  report('wrong_type', node.place, path, 'headers are a list of names and values', { expected: '[[name, value]]' })
  return undefined
}

/** Consecutive records of one split, at one time, become one batch of at most `most`. */
export function inOrder(scripts: readonly (readonly ScriptEntry[])[], most: number): ScriptEntry[] {
  const sorted = scripts.flat().toSorted((a, b) => a.atMs - b.atMs)
  const merged: ScriptEntry[] = []
  for (const entry of sorted) {
    const last = merged.at(-1)
    const joins =
      last?.kind === 'records' &&
      entry.kind === 'records' &&
      last.source === entry.source &&
      last.split === entry.split &&
      last.atMs === entry.atMs &&
      (last.records[0]?.bytes === undefined) === (entry.records[0]?.bytes === undefined) &&
      last.records.length < most
    if (joins) merged[merged.length - 1] = { ...last, records: [...last.records, ...entry.records] }
    else merged.push(entry)
  }
  return merged
}

/** A map with a record in it, or only with what may stand between records. */
function isLong(item: MapNode, schema: RecordType): boolean {
  const has = (key: string) => item.entries.some((entry) => entry.key === key)
  if (has('record') || has('raw') || (has('tombstone') && has('key'))) return true
  return controls.some((key) => has(key) && !Object.hasOwn(schema.fields, key))
}

/** What some decoders need besides the bytes: the header of a CSV file is that of the schema. */
const contexts: Readonly<Record<string, (source: ScriptSource, arrivalMs: number) => Json>> = {
  missing_context: ({ schema }) => ({ header: Object.keys(schema.fields) }),
  not_replayable: (_source, timestamp) => ({ timestamp }),
}

function decoded(
  bytes: Buffer,
  context: Json | undefined,
  beside: Beside,
  source: ScriptSource,
  arrivalMs: number,
): ScriptRecord {
  const more = context === undefined ? {} : { context }
  try {
    return { row: source.decode!(bytes, context, beside), bytes, ...more }
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'DataError') throw error
    const bad = error as DataError
    const needed = context === undefined ? contexts[bad.code] : undefined
    return needed ? decoded(bytes, needed(source, arrivalMs), beside, source, arrivalMs) : { bad, bytes, ...more }
  }
}
