/** Driving the sink in one process, as the engine does. */
import { join } from 'node:path'
import {
  batch,
  type Env,
  type Flushed,
  type Json,
  type OpenContext,
  Records,
  type RecordType,
  type Row,
  type Sink,
} from '@millrace/core'
import { type Disk, nodeDisk } from '@millrace/client-files'
import type { Options } from '../src/options.ts'
import { createFilesSink } from '../src/sink.ts'

export const signal = new AbortController().signal

export const envAt = (root: string): Env => ({
  root,
  home: join(root, '.millrace', 'local'),
  profile: 'local',
  pipeline: 'trips',
  id: 'lake',
  resolve: (path) => (path.startsWith('/') ? path : join(root, path)),
})

/** Options as a user typed them, defaults filled in. */
export type Some = { readonly [K in keyof Options]?: unknown }
export const optionsOf = (more: Some): Options =>
  ({ path: 'out/', existing: 'stop', max_open_files: 128, partition_fields: 'drop', zone: 'UTC', ...more }) as Options

/** `now` is a clock that a test turns. */
export function makeSink(
  root: string,
  schema: RecordType,
  options: Some,
  disk: Disk = nodeDisk,
  now: () => number = () => 0,
): Sink {
  return createFilesSink(optionsOf(options), { ...envAt(root), schema }, disk, now)
}

export const opening = (more: Partial<OpenContext> = {}): OpenContext => ({
  signal,
  incarnation: 1,
  start: 'test',
  instance: { i: 0, n: 1 },
  whole: true,
  warn: () => {},
  ...more,
})

export const recordsOf = (rows: readonly Row[]): Records =>
  new Records({
    rows,
    from: [{ source: 'source', batch: batch({ split: 's', rows, positionAt: (i) => i }) }],
    pipeline: 'trips',
  })

export const write = (sink: Sink, rows: readonly Row[]): Promise<void> =>
  Promise.resolve(sink.write(recordsOf(rows), { signal, epoch: 1 }))

/** A flush, as it is after a save. */
export const flush = async (sink: Sink, more: { roll?: boolean; end?: boolean } = {}): Promise<Flushed> =>
  JSON.parse(
    JSON.stringify(
      await sink.flush!({ signal, epoch: 1, roll: more.roll ?? more.end ?? false, end: more.end ?? false }),
    ),
  ) as Flushed

export async function publish(sink: Sink, flushed: Flushed): Promise<void> {
  for (const stage of flushed.stages ?? []) await sink.publish!(stage, { signal })
}

/** The rest of a run: flushed as the end of the input, published, closed. */
export async function finish(sink: Sink): Promise<Flushed> {
  const flushed = await flush(sink, { end: true })
  await publish(sink, flushed)
  await sink.close!()
  return flushed
}

/** A whole run over these rows. */
export async function runAll(
  root: string,
  schema: RecordType,
  options: Some,
  rows: readonly Row[],
  more: Partial<OpenContext> = {},
): Promise<void> {
  const sink = makeSink(root, schema, options)
  try {
    await sink.open!(opening(more))
    await write(sink, rows)
    await finish(sink)
  } finally {
    await sink.close!()
  }
}

export type { Json }
