/**
 * Writes records to files in a bucket and loads them into the table when they are saved, effectively-once by a load
 * ledger.
 *
 * The checkpoint waits for a roll: a flush finishes the files and their manifest, and returns them as a stage; after
 * the save, it is loaded (copy.ts, or job.ts). What a failed attempt has left in the bucket is removed at the next
 * start.
 *
 * Decision: docs/decisions/20261202-loads-into-redshift.md
 */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import {
  crashPoint,
  type Flushed,
  type Json,
  type OpenContext,
  type Sink,
  type SinkContext,
  throwFailures,
  type WriteFailure,
} from '@millrace/core'
import type { Saved } from '@millrace/client-postgres/driver'
import { removeAll } from '@millrace/client-s3'
import type { Bucket } from '@millrace/client-s3/driver'
import { keyFields, type Line, linesOf, pipelineName } from '@millrace/kinds'
import { columnOf, compileLine } from './columns.ts'
import { boundsOf, type Options } from './options.ts'
import { keysOf, missingFrom, type Stage } from './stage.ts'
import { LoadStaging } from './staging.ts'
import type { Target } from './target.ts'
import { type Folder, Unfinished } from './unfinished.ts'

/** What a flush saves for a restart. */
interface Resume extends Saved {
  /** Stages that were not loaded yet. */
  readonly staged: readonly Folder[]
}

/** Makes the sink. `now`: ms. */
export function createWriter(o: Options, ctx: SinkContext, now: () => number): Sink {
  const key = o.write === 'merge' ? keyFields(o)! : undefined
  const columns = Object.keys(ctx.schema.fields).map(columnOf)
  const root = o.path === '' ? '' : o.path.replace(/\/*$/, '/')
  let target: Target | undefined
  let bucket: Bucket | undefined
  let staging: LoadStaging | undefined
  let unfinished: Unfinished
  let lineOf: ReturnType<typeof compileLine>
  let load = ''
  let start = ''
  let nothing = ''
  let staged: Folder[] = []
  /** Numbers the rows of this start, for `key`. */
  let at = 0

  const connect = async (name: string): Promise<Bucket> => {
    const { openBucket } = await import('@millrace/client-s3/driver')
    return openBucket({ ...o, bucket: name }, ctx)
  }

  /** With the bucket of a stage, which was another one before the spec was edited. */
  async function withBucket<T>(name: string, work: (bucket: Bucket) => Promise<T>): Promise<T> {
    if (name === o.bucket) return work(bucket!)
    const other = await connect(name)
    try {
      return await work(other)
    } finally {
      other.close()
    }
  }

  async function open(opening: OpenContext): Promise<void> {
    await close()
    const { signal, instance, incarnation, formerly } = opening
    const saved = opening.restore as unknown as Resume | undefined
    const writer = { pipeline: ctx.pipeline, sink: ctx.id, incarnation, instance }
    const recordOf = (id: string) => join(ctx.home, '.loads', pipelineName(writer), `${id}.json`)
    load = saved?.load ?? randomUUID()
    start = opening.start
    // A text that equals it is refused, so it differs from start to start.
    nothing = `null-${start}`
    staged = [...(saved?.staged ?? [])]
    target =
      o.load === 'glue'
        ? (await import('./job-target.ts')).jobTarget(o, ctx, start)
        : (await import('./copy-target.ts')).copyTarget(o, ctx, key ?? [])
    bucket = await connect(o.bucket)
    lineOf = compileLine(ctx.schema, await target.open(opening, load, saved), nothing)
    if (formerly !== undefined) await discardUnsaved(new Unfinished(recordOf(formerly)), signal)
    unfinished = new Unfinished(recordOf(ctx.id))
    await discardUnsaved(unfinished, signal)
    staging = new LoadStaging({
      bucket,
      name: o.bucket,
      partBytes: o.part_size,
      bounds: boundsOf(o),
      prefix: `${root}${pipelineName(writer)}/${ctx.id}/${start}-`,
      now,
      begins: (folder) => unfinished.begin({ bucket: o.bucket, folder }),
    })
  }

  /** Removes what an attempt that died has written. Stages stay. */
  async function discardUnsaved(record: Unfinished, signal: AbortSignal): Promise<void> {
    const left = await record.read()
    if (!left || staged.some(({ folder }) => folder === left.folder)) return
    await withBucket(left.bucket, async (from) => {
      for await (const page of from.list(left.folder, signal))
        await removeAll(
          from,
          page.map((object) => object.key),
          signal,
        )
    })
    await record.end(left.folder)
  }

  /** Numbers rows after their columns, so that the last of a key wins. */
  const numbered = (lines: readonly Line[]): readonly Line[] =>
    key ? lines.map(({ index, text }) => ({ index, text: `${text},${++at}` })) : lines

  async function close(): Promise<void> {
    staging?.close()
    bucket?.close()
    await target?.close()
    staging = bucket = target = undefined
  }

  return {
    open,
    async write(records, { signal }) {
      if (records.length === 0) return
      if (!staging!.queue.hasRoom) await staging!.queue.room(signal)
      const failures: WriteFailure[] = []
      await staging!.add(numbered(linesOf(records, lineOf, failures, key)))
      crashPoint('redshift_written')
      throwFailures(failures)
    },
    full: () => staging!.isFull,
    async flush({ epoch, roll, end, signal }): Promise<Flushed> {
      if (!roll && !end) return {}
      const made = await staging!.finish(signal)
      const stages: Stage[] = made
        ? [
            {
              load,
              epoch,
              start,
              bucket: o.bucket,
              ...made,
              columns,
              nothing,
              ...(key ? { key: key.map(columnOf) } : {}),
            },
          ]
        : []
      staged.push(...stages.map(({ bucket: name, folder }) => ({ bucket: name, folder })))
      const resume: Resume = { load, epoch, start, published: target!.published ?? null, staged: [...staged] }
      return { resume: resume as unknown as Json, stages: stages as unknown as Json[] }
    },
    async publish(saved, { signal }) {
      const stage = saved as unknown as Stage
      await unfinished.end(stage.folder)
      await target!.load(stage, signal).catch(async (error: unknown) => {
        // Looking may fail too; then the first failure says more.
        const gone = withBucket(stage.bucket, (from) => missingFrom(from, stage, error, signal))
        throw (await gone.catch(() => undefined)) ?? error
      })
      crashPoint('redshift_loaded')
      if (o.after_load === 'delete') await withBucket(stage.bucket, (from) => removeAll(from, keysOf(stage), signal))
      crashPoint('redshift_discarded')
      staged = staged.filter(({ folder }) => folder !== stage.folder)
    },
    close,
  }
}
