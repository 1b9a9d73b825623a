/**
 * Where objects are until they are published: parts in the bucket, where no reader sees them, everything else in a
 * local folder of this sink, next to the pipeline's state.
 *
 * | file | |
 * |---|---|
 * | `000001-000002-start.part` | the bytes of an object that is sent at once; or of its first part, until that is sent |
 * | `….part.2` | of its second part |
 * | `….part.upload` | an object in parts: its key, and the id of the upload once there is one |
 * | `….part.begun` | its publishing has begun |
 * | `….part.done` | it was published |
 *
 * The id is written down as soon as it is known, so that the next start can discard the uploads of an attempt that
 * died, and no others: those of another pipeline are not its own, whatever their keys are.
 */
import { join } from 'node:path'
import { crashPoint } from '@millrace/core'
import type { Disk } from '@millrace/client-files'
import type { Bucket } from '@millrace/client-s3/driver'
import type { HiddenFile, Staging } from '@millrace/kinds'
import { ObjectFile, readLocal } from './object-file.ts'
import { PartUploads, type Upload } from './uploads.ts'

/** A record of an upload. */
interface Record {
  readonly key: string
  readonly id?: string
}

/** What all objects have in common. */
export interface StagingContext {
  readonly disk: Disk
  /** The local folder. */
  readonly folder: string
  readonly bucket: Bucket
  readonly partBytes: number
  readonly mostUploads: number
  /** The keys that are taken, relative to the root. */
  readonly taken: Set<string>
  keyOf(final: string): string
  /** The mark of an object, by its hidden name. */
  stageOf(temp: string): string
}

export class ObjectStaging implements Staging {
  readonly uploads: PartUploads
  private readonly ctx: StagingContext
  private readonly objects = new Map<string, ObjectFile>()
  private isUnsynced = false

  constructor(ctx: StagingContext) {
    this.ctx = ctx
    this.uploads = new PartUploads(ctx.bucket, ctx.mostUploads, (upload, signal) => this.begin(upload, signal))
  }

  isTaken(final: string): Promise<boolean> {
    return Promise.resolve(this.ctx.taken.has(final))
  }

  async create(temp: string, final: string): Promise<HiddenFile> {
    const { disk, folder, partBytes, taken, keyOf, stageOf } = this.ctx
    await disk.makeFolder(folder)
    taken.add(final)
    const upload: Upload = { key: keyOf(final), temp, stage: stageOf(temp), id: undefined, parts: [] }
    const object = new ObjectFile(disk, folder, this.uploads, partBytes, upload)
    this.objects.set(temp, object)
    this.isUnsynced = true
    return object
  }

  /** Its records were all refused, so it has few bytes and no parts. */
  async discard(temp: string): Promise<void> {
    this.objects.delete(temp)
    await this.ctx.disk.remove(join(this.ctx.folder, temp))
  }

  async settle(signal: AbortSignal): Promise<void> {
    await this.uploads.queue.settle(signal)
    if (this.isUnsynced) await this.ctx.disk.syncFolder(this.ctx.folder)
    this.isUnsynced = false
  }

  /** The upload of a finished object; undefined: it is a local file. */
  async take(temp: string): Promise<{ stage: string; upload?: { id: string; parts: Upload['parts'] } }> {
    const { upload, isInParts } = this.objects.get(temp)!
    this.objects.delete(temp)
    return isInParts
      ? { stage: upload.stage, upload: { id: await upload.id!, parts: upload.parts } }
      : { stage: upload.stage }
  }

  close(): void {
    this.uploads.queue.close()
  }

  private async begin({ key, temp, stage }: Upload, signal: AbortSignal): Promise<string> {
    const { bucket, disk, folder } = this.ctx
    await writeRecord(disk, join(folder, temp), { key })
    const id = await bucket.begin(key, stage, signal)
    crashPoint('upload_begun')
    await writeRecord(disk, join(folder, temp), { key, id })
    return id
  }
}

/** Replaces the record of an upload. */
async function writeRecord(disk: Disk, path: string, record: Record): Promise<void> {
  const next = `${path}.next`
  await disk.remove(next)
  const file = await disk.create(next)
  try {
    await file.write(Buffer.from(JSON.stringify(record)), 0)
  } finally {
    await file.close()
  }
  await disk.rename(next, `${path}.upload`)
}

/** Removes what an attempt that died has left: local files, and parts in the bucket. `staged`: hidden names to keep. */
export async function removeStale(
  disk: Disk,
  folder: string,
  bucket: Bucket,
  staged: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<void> {
  const names = (await disk.list(folder)).map((entry) => entry.name)
  const stale = names.filter((name) => !staged.has(name.replace(/(?<=\.part)\..*$/, '')))
  // The records go last: an attempt to discard an upload may fail.
  for (const name of stale.filter((each) => !each.endsWith('.upload'))) await disk.remove(join(folder, name))
  for (const name of stale.filter((each) => each.endsWith('.upload'))) {
    const path = join(folder, name)
    const state = await disk.state(path)
    const { key, id } = JSON.parse(Buffer.from(await readLocal(disk, path, state?.bytes ?? 0)).toString()) as Record
    // It died before it knew the id. An upload of the same key by somebody else would collide with this one anyway.
    const ids = id === undefined ? await bucket.uploads(key, signal) : [id]
    for (const each of ids) await bucket.abort(key, each, signal)
    await disk.remove(path)
  }
}
