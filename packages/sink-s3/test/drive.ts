/** Driving the sink in one process, as the engine does, with a local folder of its own. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { batch, type Flushed, type OpenContext, Records, type RecordType, type Row, type Sink } from '@millrace/core'
import { sinkS3 } from '../src/index.ts'
import type { Options } from '../src/options.ts'
import { connection } from './stand-in.ts'

export const { signal } = new AbortController()
export const mebibyte = 1024 * 1024

/** Options as a user typed them, defaults filled in. */
export type Some = { readonly [K in keyof Options]?: unknown }
export const optionsOf = (url: string, more: Some): Options =>
  ({
    ...connection(url),
    partition_fields: 'drop',
    zone: 'UTC',
    existing: 'stop',
    max_open_files: 128,
    part_size: 5 * mebibyte,
    max_uploads: 4,
    ...more,
  }) as Options

/** A machine: what a process finds again after a restart. */
export class Machine {
  readonly root = mkdtempSync(join(tmpdir(), 'millrace-s3-'))
  private starts = 0

  /** A sink, opened; `saved`: what the engine has kept. */
  async start(options: Options, schema: RecordType, saved?: Flushed, more: Partial<OpenContext> = {}): Promise<Sink> {
    const { root } = this
    const env = { root, home: join(root, '.millrace/local'), profile: 'local', pipeline: 'trips', id: 'lake' }
    const sink = sinkS3.create(options, { ...env, resolve: (path) => join(root, path), schema })
    const restore = saved?.resume === undefined ? {} : { restore: saved.resume }
    const start = `${root.slice(-6)}s${++this.starts}`
    const context = { signal, incarnation: 1, start, instance: { i: 0, n: 1 }, whole: true, warn: () => {} }
    await sink.open!({ ...context, ...restore, ...more })
    return sink
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true })
  }
}

const recordsOf = (rows: readonly Row[]): Records =>
  new Records({
    rows,
    from: [{ source: 'in', batch: batch({ split: 's', rows, positionAt: (i) => i }) }],
    pipeline: 'trips',
  })

export const write = async (sink: Sink, rows: readonly Row[]): Promise<void> =>
  sink.write(recordsOf(rows), { signal, epoch: 1 })

/** A flush with a roll, as it is after a save. */
export const flush = async (sink: Sink, end = false): Promise<Flushed> =>
  JSON.parse(JSON.stringify(await sink.flush!({ signal, epoch: 1, roll: true, end }))) as Flushed

export async function publish(sink: Sink, flushed: Flushed): Promise<void> {
  for (const stage of flushed.stages ?? []) await sink.publish!(stage, { signal })
}

/** The rest of a run: flushed as the end of the input, published, closed. */
export async function finish(sink: Sink): Promise<void> {
  await publish(sink, await flush(sink, true))
  await sink.close!()
}
