/**
 * Stages: objects whose bytes are durable, and how they become visible: by one PUT, or by completing the upload of
 * their parts, in both cases only if there is no object of that key yet.
 *
 * Publishing may be repeated until the engine has recorded it (invariants 4 and 5). A local mark says that it was done;
 * without it, a key that is taken is looked at: an object with the mark of this stage and its size is the stage
 * itself, whose answer was lost. Anything else belongs to somebody else, and the run stops.
 *
 * Decision: docs/decisions/20261202-objects-in-s3.md
 */
import { join } from 'node:path'
import { crashPoint, SystemError } from '@millrace/core'
import type { Disk } from '@millrace/client-files'
import { addressOf, removeAll } from '@millrace/client-s3'
import type { Bucket, Stored, StoredPart } from '@millrace/client-s3/driver'
import { outputTaken } from '@millrace/kinds'
import { readLocal } from './object-file.ts'

/** As saved. */
export interface Stage {
  readonly bucket: string
  /** The local folder, relative to the profile's data folder. */
  readonly folder: string
  /** Absent: there are only objects to remove. */
  readonly object?: {
    readonly key: string
    readonly temp: string
    readonly bytes: number
    /** The mark in its metadata. */
    readonly stage: string
    readonly replaces?: boolean
    /** Absent: its bytes are in the local file. */
    readonly upload?: { readonly id: string; readonly parts: readonly StoredPart[] }
  }
  /** Keys of an earlier run to remove. */
  readonly removes?: readonly string[]
}

/** Publishes a stage, unless that was done before. `folder`: the local one. */
export async function publishStage(
  bucket: Bucket,
  disk: Disk,
  folder: string,
  { bucket: name, object, removes = [] }: Stage,
  signal: AbortSignal,
): Promise<void> {
  const mark = object && join(folder, object.temp)
  if (mark && (await disk.look(`${mark}.done`))) return removeLocal(disk, mark)
  await removeAll(bucket, removes, signal)
  if (!object || !mark) return
  const { key, bytes, stage, replaces = false, upload } = object
  const address = addressOf({ bucket: name }, key)
  const wasBegun = (await disk.look(`${mark}.begun`)) !== undefined
  if (!wasBegun) await touch(disk, folder, `${mark}.begun`)
  let outcome: Stored
  if (upload) outcome = await bucket.complete(key, upload.id, upload.parts, !replaces, signal)
  else {
    const body = await localBytes(disk, mark, bytes)
    outcome = body ? await bucket.put(key, body, stage, !replaces, signal) : 'gone'
  }
  crashPoint('object_stored')
  if (outcome !== 'stored') {
    const found = await bucket.head(key, signal)
    const isOwn = found?.stage === stage && found.bytes === bytes
    // The parts were put together by an attempt that died, and a reader has taken the object away since.
    const wasTaken = outcome === 'gone' && !found && wasBegun && upload !== undefined
    if (!isOwn && !wasTaken) throw outcome === 'taken' ? outputTaken(address) : missing(address, upload !== undefined)
  }
  await touch(disk, folder, `${mark}.done`)
  crashPoint('object_marked')
  await removeLocal(disk, mark)
}

async function removeLocal(disk: Disk, mark: string): Promise<void> {
  for (const ending of ['', '.upload', '.begun']) await disk.remove(`${mark}${ending}`)
}

/** Undefined: the file is gone, or has another size. */
async function localBytes(disk: Disk, path: string, bytes: number): Promise<Uint8Array | undefined> {
  const found = await disk.look(path)
  return found?.bytes === bytes ? readLocal(disk, path, bytes) : undefined
}

async function touch(disk: Disk, folder: string, path: string): Promise<void> {
  await disk.makeFolder(folder)
  await disk.remove(path)
  await (await disk.create(path)).close()
}

const missing = (address: string, isUpload: boolean): SystemError =>
  new SystemError(
    'stage_missing',
    isUpload
      ? `the parts of ${address}, which are to be put together, are gone, and there is no such object`
      : `the local file to be written to ${address} is gone, or was changed, and there is no such object`,
    {
      hint: isUpload
        ? 'does a rule of the bucket discard parts too early? write all objects again: pipe state reset PIPELINE, then run with --replace'
        : 'restore it, or write all objects again: pipe state reset PIPELINE, then run with --replace',
    },
  )
