/**
 * Writes records to objects: hidden while they are written, published when they are complete (publish-once).
 *
 * The checkpoint waits for a roll, which finishes all objects. A flush then waits until all parts are in the bucket and
 * the rest is on the local disk, and returns a stage for each object, which publish.ts publishes. What a failed attempt
 * has left is discarded at the next start.
 */
import { join, relative } from 'node:path'
import { type Flushed, type Json, MillraceError, type OpenContext, type Sink, type SinkContext } from '@millrace/core'
import { type Disk } from '@millrace/client-files'
import { addressOf } from '@millrace/client-s3'
import type { Bucket } from '@millrace/client-s3/driver'
import { fileWriteFormats } from '@millrace/formats-columnar'
import { defaultRoll, OpenFiles, outputExists, pipelineName, placer, type Roll, writeByPlace } from '@millrace/kinds'
import { findExisting, publishedSince, rootOf } from './existing.ts'
import { layoutOf, type Options, storedTypeOf } from './options.ts'
import { publishStage, type Stage } from './publish.ts'
import { ObjectStaging, removeStale } from './staging.ts'

/** What a flush leaves for a restart. */
interface Resume {
  /** Names this run in the marks of its objects. */
  readonly run: string
  /** How many objects were started; in a folder, the number in the last one's name. */
  readonly number: number
  /** Hidden names of objects that are stages, and their keys. */
  readonly staged: readonly (readonly [temp: string, final: string])[]
  /** The objects of an earlier run are removed, or will be by a stage of this flush. */
  readonly replaced: boolean
}

/** Makes the sink. `disk` and `now` (ms) are arguments for tests. */
export function createS3Sink(o: Options, ctx: SinkContext, disk: Disk, now: () => number): Sink {
  const layout = layoutOf(o)
  const { template, partitioned, ending } = layout
  const root = rootOf(template)
  const { keyOf, placeOf } = placer(template, ctx.schema, o.zone)
  const connect = async (bucket: string): Promise<Bucket> => {
    const { openBucket } = await import('@millrace/client-s3/driver')
    return openBucket({ ...o, bucket }, ctx)
  }
  let bucket: Bucket | undefined
  let staging: ObjectStaging | undefined
  let files: OpenFiles | undefined
  let folder = ''
  let run = ''
  let roll: Roll | undefined
  const staged = new Map<string, string>()
  /** Marks of what was published, which go when the engine has recorded that. */
  let marks: { readonly fresh: string[]; readonly recorded: string[] } = { fresh: [], recorded: [] }
  /** Keys of an earlier run, relative to the root; with `replacing`, removed before the first object is published. */
  let old: readonly string[] = []
  let replacing = false

  async function open(opening: OpenContext): Promise<void> {
    await close()
    const { signal, start, incarnation, instance, formerly } = opening
    const writer = { pipeline: ctx.pipeline, sink: ctx.id, incarnation, instance }
    const restore = opening.restore as unknown as Resume | undefined
    // In a run without end, an object that is written until the end would never be published.
    roll = layout.roll ?? (template.name && opening.whole ? undefined : defaultRoll)
    run = restore?.run ?? start
    const folderOf = (sink: string) => join(ctx.home, '.uploads', pipelineName(writer), sink)
    folder = folderOf(ctx.id)
    if (formerly !== undefined) await takeOver(folderOf(formerly))
    const makeWriter = await fileWriteFormats.prepare(layout.format, storedTypeOf(o, ctx.schema))
    bucket = await connect(o.bucket)
    const found = await findExisting(bucket, writer, template, ending, signal)
    const newer = restore && (await publishedSince(bucket, root, found, restore, signal))
    if (newer !== undefined) throw stateOlder(newer)
    const existing = opening.existing ?? o.existing
    replacing = existing === 'replace' && !restore?.replaced
    old = !restore || replacing ? found.map(({ name }) => name) : []
    if (!restore && existing === 'stop' && old.length > 0)
      throw outputExists(old.map((name) => addressOf(o, root + name)))
    staged.clear()
    for (const [temp, final] of restore?.staged ?? []) staged.set(temp, final)
    await removeStale(disk, folder, bucket, new Set(staged.keys()), signal)
    staging = new ObjectStaging({
      disk,
      folder,
      bucket,
      partBytes: o.part_size,
      mostUploads: o.max_uploads,
      taken: new Set([...found.map(({ name }) => name), ...staged.values()]),
      keyOf: (final) => root + final,
      stageOf: (temp) => `${run}/${temp.replace(/\.part$/, '')}`,
    })
    const set = { staging, layout, writer, start, makeWriter, roll, placeOf, now }
    files = new OpenFiles({ ...set, mostOpen: o.max_open_files, replaced: replacing ? old : [] }, restore?.number ?? 0)
  }

  /** The local folder that it had before it was renamed, from which nothing was saved. */
  async function takeOver(former: string): Promise<void> {
    if (!(await disk.look(former)) || (await disk.look(folder))) return
    await disk.rename(former, folder)
  }

  const stateOlder = (key: string) =>
    new MillraceError(
      'state_older',
      `objects were published that the saved state does not know: ${addressOf(o, key)}`,
      {
        place: ctx.id,
        hint: 'restore the latest state; or start over: pipe state reset PIPELINE, then run with --replace to write all objects again or with --keep to add to them',
        exitCode: 3,
      },
    )

  async function stagesOf(finished: Awaited<ReturnType<OpenFiles['takeFinished']>>, end: boolean): Promise<Stage[]> {
    const replaced = new Set(replacing ? old : [])
    const place = { bucket: o.bucket, folder: relative(ctx.home, folder) }
    const stages: Stage[] = []
    for (const { temp, final, bytes } of finished) {
      const replaces = replaced.delete(final)
      const key = root + final
      const object = { key, temp, bytes, ...(await staging!.take(temp)), ...(replaces ? { replaces } : {}) }
      stages.push({ ...place, object })
    }
    if (finished.length > 0 || end) {
      const removes = [...replaced].map((name) => root + name)
      if (removes.length > 0) stages[0] = { ...place, ...stages[0], removes }
      replacing = false
    }
    return stages
  }

  async function removeMarks(): Promise<void> {
    for (const temp of marks.recorded) await disk.remove(join(folder, `${temp}.done`))
    marks = { fresh: [], recorded: marks.fresh }
  }

  async function close(): Promise<void> {
    staging?.close()
    await files?.close()
    bucket?.close()
    if (folder !== '') await disk.removeFolder(folder)
    staging = files = bucket = undefined
  }

  return {
    open,
    write(records, { signal }) {
      const { queue } = staging!.uploads
      if (queue.hasRoom) return writeByPlace(files!, records, keyOf, partitioned)
      return queue.room(signal).then(() => writeByPlace(files!, records, keyOf, partitioned))
    },
    full: () => files!.isRollDue(now()),
    async flush({ roll: asked, end, signal }): Promise<Flushed> {
      if (!asked && !end) return {}
      await files!.finishAll(end && template.name && !partitioned ? keyOf({}) : undefined)
      const stages = await stagesOf(await files!.takeFinished(signal), end)
      for (const { object } of stages) if (object) staged.set(object.temp, object.key.slice(root.length))
      await removeMarks()
      const resume: Resume = { run, number: files!.number, staged: [...staged], replaced: !replacing }
      return { resume: resume as unknown as Json, stages: stages as unknown as Json[] }
    },
    async publish(saved, { signal }) {
      const stage = saved as unknown as Stage
      const target = stage.bucket === o.bucket ? bucket! : await connect(stage.bucket)
      try {
        await publishStage(target, disk, join(ctx.home, stage.folder), stage, signal)
      } finally {
        if (target !== bucket) target.close()
      }
      if (!stage.object) return
      staged.delete(stage.object.temp)
      marks.fresh.push(stage.object.temp)
    },
    close,
  }
}
