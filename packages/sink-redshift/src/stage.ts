/** A stage: files in the bucket, and what is to be loaded from them. */
import { SystemError } from '@millrace/core'
import { addressOf } from '@millrace/client-s3'
import type { Bucket } from '@millrace/client-s3/driver'
import type { Load } from '@millrace/client-postgres/driver'

/** As saved. */
export interface Stage extends Load {
  readonly bucket: string
  /** What the keys of its files begin with, with a `/` at the end; names it. */
  readonly folder: string
  /** How many files there are, apart from the manifest. */
  readonly files: number
  /** The columns of the files, apart from the running number of `key`. */
  readonly columns: readonly string[]
  /** Absent: rows are added. Otherwise the last column of the files is a running number. */
  readonly key?: readonly string[]
  /** What stands for null. */
  readonly nothing: string
}

/** The column that orders rows of one key. */
export const orderColumn = '_millrace_at'

/** The key of file `n`, from 1. */
export const fileKey = (folder: string, n: number): string => `${folder}part-${String(n).padStart(5, '0')}.csv.gz`

/** The key of the manifest. */
export const manifestKey = (folder: string): string => `${folder}manifest`

/** The address of a stage's manifest: it also names the load. */
export const manifestOf = ({ bucket, folder }: Pick<Stage, 'bucket' | 'folder'>): string =>
  addressOf({ bucket }, manifestKey(folder))

/** The keys of all its objects. The manifest is the last one. */
export const keysOf = ({ folder, files }: Pick<Stage, 'folder' | 'files'>): string[] => [
  ...Array.from({ length: files }, (_, k) => fileKey(folder, k + 1)),
  manifestKey(folder),
]

/** Redshift's developer guide, "Using a manifest to specify data files". */
export const manifest = (bucket: string, files: readonly (readonly [key: string, bytes: number])[]): Buffer =>
  Buffer.from(
    JSON.stringify({
      entries: files.map(([key, bytes]) => ({
        url: addressOf({ bucket }, key),
        mandatory: true,
        meta: { content_length: bytes },
      })),
    }),
  )

/** Why a load failed for good, if an object of the stage is gone; undefined: all are there. */
export async function missingFrom(
  bucket: Pick<Bucket, 'head'>,
  stage: Stage,
  error: unknown,
  signal: AbortSignal,
): Promise<SystemError | undefined> {
  if (!(error instanceof SystemError) || error.retry) return undefined
  for (const key of keysOf(stage)) {
    if (await bucket.head(key, signal)) continue
    return new SystemError('stage_missing', `${addressOf(stage, key)}, which is to be loaded, is gone`, {
      hint: 'does a rule of the bucket expire files too early? load again: pipe state reset PIPELINE, then run with --replace',
      cause: error,
    })
  }
  return undefined
}
