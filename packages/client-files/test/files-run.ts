/** A folder of inputs, and reading them as the engine does: what came is saved, and gone on from by the next run. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import {
  type Batch,
  type Done,
  freshRead,
  isBatch,
  type Json,
  type Row,
  type Source,
  type SplitsFound,
} from '@millrace/core'
import { afterEach, beforeEach } from 'vitest'
import type { AfterRead } from '../src/after.ts'
import { type Disk, nodeDisk } from '../src/disk.ts'
import { filesSource } from '../src/source.ts'
import { type FileReadFormat, fileReadFormats } from '../../formats-columnar/src/formats.ts'
import { live, schemaOf } from '../../formats/test/csv-read.ts'

export let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'millrace-files-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

export const put = (name: string, content: string | Uint8Array): void => {
  mkdirSync(dirname(join(root, name)), { recursive: true })
  writeFileSync(join(root, name), content)
}
export const env = () => ({ root, resolve: (path: string) => resolve(root, path) })
export const schema = schemaOf({ a: 'integer', b: 'string' })
export const lines = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, i) => `${from + i},text\n`).join('')
export const file = (from: number, to: number): string => `a,b\n${lines(from, to)}`

/** What is saved between runs. */
export interface State {
  positions: Map<string, Json>
  memory: Map<string, Json>
}
export const fresh = (): State => ({ positions: new Map(), memory: new Map() })

export interface Run {
  rows: Row[]
  splits: SplitsFound[]
  batches: Batch[]
  warnings: string[]
  /** What the source is told when all of it is saved. */
  done: Done[]
  source: Source
}
export interface RunOptions {
  /** Stop when so many batches have come. */
  readonly stop?: number
  readonly afterRead?: AfterRead
  readonly watchMs?: number
  readonly continues?: boolean
  /** Tell the source what is saved. */
  readonly commit?: boolean
  readonly format?: FileReadFormat
  readonly disk?: Disk
  readonly signal?: AbortSignal
  wants?(split: string): boolean
  onBatch?(batch: Batch, n: number): unknown
}

/** A source over paths, as a connector makes it. */
export function makeSource(path: string | string[], { afterRead, watchMs, format, disk }: RunOptions = {}) {
  const made = fileReadFormats.open(format ?? { type: 'csv' }, { schema, unknownFields: 'drop' })
  return filesSource(
    {
      paths: [path].flat(),
      endings: fileReadFormats.endings([format?.type ?? 'csv']),
      formatOf: () => made,
      watchMs,
      ...(afterRead ? { afterRead } : {}),
    },
    env(),
    disk ?? nodeDisk,
  )
}

/** Runs until the end, or until `stop` batches have come; what came is saved in `state`. */
export async function run(path: string | string[], state = fresh(), more: RunOptions = {}): Promise<Run> {
  const source = makeSource(path, more)
  const seen: Run = { rows: [], splits: [], batches: [], warnings: [], done: [], source }
  const ctx = freshRead(more.signal ?? live, {
    resume: (split) => state.positions.get(split),
    recall: (key) => state.memory.get(key),
    warn: (message) => seen.warnings.push(message),
    ...(more.continues ? { continues: true } : {}),
    ...(more.wants ? { wants: more.wants } : {}),
  })
  for await (const batch of source.read(ctx)) {
    if ('splits' in batch) seen.splits.push(batch)
    if (!isBatch(batch)) continue
    seen.rows.push(...batch.rows)
    seen.batches.push(batch)
    const done: Done = { split: batch.split, ...(batch.end ? { ended: true } : {}) }
    if (batch.position === undefined) seen.done.push(done)
    else {
      const position = JSON.parse(JSON.stringify(batch.position)) as Json
      state.positions.set(batch.split, position)
      seen.done.push({ ...done, position })
    }
    for (const [key, value] of batch.remember ?? [])
      value === null ? state.memory.delete(key) : state.memory.set(key, value)
    await more.onBatch?.(batch, seen.batches.length)
    if (seen.batches.length === more.stop) break
  }
  if (more.commit !== false) await source.commit?.(seen.done, { signal: live })
  return seen
}

export const numbers = ({ rows }: Run) => rows.map((row) => row['a'])
export const names = ({ splits }: Run) =>
  splits.flatMap((found) => found.splits.map(({ id }) => id.replace(/#[0-9a-f]{12}$/, '')))
