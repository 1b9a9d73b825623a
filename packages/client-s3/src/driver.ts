/** The only file that uses the SDK: the calls on one bucket, with failures as errors of ours. */
import { type Env, SystemError, unlessAborted } from '@millrace/core'
import { awsErrorName, awsSettings } from '@millrace/client-aws'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { chunksOf } from './body.ts'
import { s3Error } from './errors.ts'
import { addressOf, type S3Options } from './options.ts'

/** An object as listed. */
export interface ListedObject {
  readonly key: string
  /** Names its content, without quotes. */
  readonly etag: string
  readonly bytes: number
  /** When it was written, ms UTC. */
  readonly writtenMs: number
}

/** What is known of one object. */
export interface ObjectFacts {
  readonly bytes: number
  readonly etag: string
  /** The mark that its writer gave it; see `Bucket.put`. */
  readonly stage: string | undefined
}

/** A part of a multipart upload that the service has: its ETag, and its CRC-32 if it was sent. */
export type StoredPart = readonly [etag: string, crc: string | null]

/** What became of an attempt to give an object its name: it has it, another one has it, or its parts are gone. */
export type Stored = 'stored' | 'taken' | 'gone'

/**
 * The calls on one bucket. Each is one request, except `list` (one for each thousand keys), and throws a `SystemError`;
 * it rejects as soon as the signal aborts.
 */
export interface Bucket {
  /** Throws if the bucket does not exist or cannot be reached. */
  probe(signal: AbortSignal): Promise<void>
  /** All objects whose keys begin with `prefix`, in any order, page by page. */
  list(prefix: string, signal: AbortSignal): AsyncIterable<readonly ListedObject[]>
  /** Undefined: there is no such object. */
  head(key: string, signal: AbortSignal): Promise<ObjectFacts | undefined>
  /**
   * The bytes from `from` up to `to` of the object with this ETag. Undefined: the key has another object by now, or
   * none.
   */
  get(
    key: string,
    etag: string,
    from: number,
    to: number | undefined,
    signal: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array> | undefined>
  /** Writes a whole object. `stage`: a mark by which its writer knows it again. `isNew`: not over another one. */
  put(key: string, body: Uint8Array, stage: string, isNew: boolean, signal: AbortSignal): Promise<Stored>
  /** Begins an object in parts; returns the id of the upload. */
  begin(key: string, stage: string, signal: AbortSignal): Promise<string>
  /** Part `n`, from 1. All but the last have at least 5 MiB. */
  part(key: string, upload: string, n: number, body: Uint8Array, signal: AbortSignal): Promise<StoredPart>
  complete(
    key: string,
    upload: string,
    parts: readonly StoredPart[],
    isNew: boolean,
    signal: AbortSignal,
  ): Promise<Stored>
  /** Discards the parts of an upload, if they are still there. */
  abort(key: string, upload: string, signal: AbortSignal): Promise<void>
  /** The uploads of exactly this key that are under way. */
  uploads(key: string, signal: AbortSignal): Promise<readonly string[]>
  /** Copies the object with this ETag; false: the key has another object by now, or none. */
  copy(key: string, etag: string, to: string, signal: AbortSignal): Promise<boolean>
  remove(key: string, signal: AbortSignal): Promise<void>
  close(): void
}

/** How long an answer may take, ms: a part of 8 MiB passes a line of 1.2 Mbit/s in that time. */
const answerMs = 60_000

/** Nothing is sent before the first call. */
export function openBucket(o: S3Options, env: Pick<Env, 'pipeline'>): Bucket {
  const when = o.checksums === 'when_required' ? 'WHEN_REQUIRED' : 'WHEN_SUPPORTED'
  const client = new S3Client({
    ...awsSettings(o, env, answerMs),
    forcePathStyle: o.path_style ?? o.endpoint !== undefined,
    requestChecksumCalculation: when,
    responseChecksumValidation: when,
  })
  const Bucket = o.bucket
  const call = async <T, E = never>(
    doing: string,
    signal: AbortSignal,
    work: (options: { abortSignal: AbortSignal }) => Promise<T>,
    expected: (name: string, status: number | undefined) => E | undefined = () => undefined,
  ): Promise<T | E> => {
    try {
      return await unlessAborted(work({ abortSignal: signal }), signal, doing)
    } catch (error) {
      const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode
      const outcome = error instanceof SystemError ? undefined : expected(awsErrorName(error), status)
      if (outcome !== undefined) return outcome
      throw s3Error(error, doing, o)
    }
  }
  const at = (key: string) => addressOf(o, key)
  const Metadata = (stage: string) => ({ 'millrace-stage': stage })
  const onlyNew = (isNew: boolean) => (isNew ? { IfNoneMatch: '*' } : {})
  const taken = (_name: string, status: number | undefined): Stored | undefined =>
    status === 412 ? 'taken' : undefined

  return {
    probe: (signal) =>
      call(`looking up the bucket ${Bucket}`, signal, async (options) => {
        await client.send(new HeadBucketCommand({ Bucket }), options)
      }),
    async *list(Prefix, signal) {
      let ContinuationToken: string | undefined
      do {
        const page = await call(`listing ${at(Prefix)}`, signal, (options) =>
          client.send(new ListObjectsV2Command({ Bucket, Prefix, ContinuationToken }), options),
        )
        yield (page.Contents ?? []).map(({ Key, ETag, Size, LastModified }) => ({
          key: Key!,
          etag: bare(ETag),
          bytes: Size ?? 0,
          writtenMs: LastModified?.getTime() ?? 0,
        }))
        ContinuationToken = page.IsTruncated ? page.NextContinuationToken : undefined
      } while (ContinuationToken !== undefined)
    },
    async head(Key, signal) {
      const found = await call(
        `looking up ${at(Key)}`,
        signal,
        (options) => client.send(new HeadObjectCommand({ Bucket, Key }), options),
        (name) => (/^(NotFound|NoSuchKey)$/.test(name) ? ('none' as const) : undefined),
      )
      return found === 'none'
        ? undefined
        : { bytes: found.ContentLength ?? 0, etag: bare(found.ETag), stage: found.Metadata?.['millrace-stage'] }
    },
    async get(Key, etag, from, to, signal) {
      const Range = from === 0 && to === undefined ? undefined : `bytes=${from}-${to === undefined ? '' : to - 1}`
      const found = await call(
        `reading ${at(Key)}`,
        signal,
        (options) => client.send(new GetObjectCommand({ Bucket, Key, Range, IfMatch: `"${etag}"` }), options),
        (name, status) => (status === 412 || name === 'NoSuchKey' ? ('other' as const) : undefined),
      )
      if (found === 'other') return undefined
      return chunksOf(found.Body as AsyncIterable<Uint8Array> & { destroy(): void }, signal, (error) =>
        s3Error(error, `reading ${at(Key)}`, o),
      )
    },
    put: (Key, Body, stage, isNew, signal) =>
      call(
        `writing ${at(Key)}`,
        signal,
        async (options): Promise<Stored> => {
          await client.send(
            new PutObjectCommand({ Bucket, Key, Body, Metadata: Metadata(stage), ...onlyNew(isNew) }),
            options,
          )
          return 'stored'
        },
        taken,
      ),
    begin: (Key, stage, signal) =>
      call(`beginning to write ${at(Key)}`, signal, async (options) => {
        const ChecksumAlgorithm = when === 'WHEN_SUPPORTED' ? { ChecksumAlgorithm: 'CRC32' as const } : {}
        const begun = await client.send(
          new CreateMultipartUploadCommand({ Bucket, Key, Metadata: Metadata(stage), ...ChecksumAlgorithm }),
          options,
        )
        return begun.UploadId!
      }),
    part: (Key, UploadId, PartNumber, Body, signal) =>
      call(`writing part ${PartNumber} of ${at(Key)}`, signal, async (options) => {
        const part = await client.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body }), options)
        return [part.ETag!, part.ChecksumCRC32 ?? null] as const
      }),
    complete: (Key, UploadId, parts, isNew, signal) =>
      call(
        `completing ${at(Key)}`,
        signal,
        async (options): Promise<Stored> => {
          const Parts = parts.map(([ETag, crc], k) => ({
            ETag,
            PartNumber: k + 1,
            ...(crc === null ? {} : { ChecksumCRC32: crc }),
          }))
          const MultipartUpload = { Parts }
          await client.send(
            new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload, ...onlyNew(isNew) }),
            options,
          )
          return 'stored'
        },
        (name, status) => (name === 'NoSuchUpload' ? 'gone' : taken(name, status)),
      ),
    abort: (Key, UploadId, signal) =>
      call(
        `discarding an upload of ${at(Key)}`,
        signal,
        async (options) => {
          await client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }), options)
          return null
        },
        (name) => (name === 'NoSuchUpload' ? null : undefined),
      ).then(() => {}),
    uploads: (key, signal) =>
      call(`listing uploads of ${at(key)}`, signal, async (options) => {
        const found = await client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: key }), options)
        return (found.Uploads ?? []).filter(({ Key }) => Key === key).map(({ UploadId }) => UploadId!)
      }),
    copy: (from, etag, Key, signal) =>
      call(
        `copying ${at(from)} to ${at(Key)}`,
        signal,
        async (options): Promise<boolean> => {
          const CopySource = `${Bucket}/${from.split('/').map(encodeURIComponent).join('/')}`
          await client.send(new CopyObjectCommand({ Bucket, Key, CopySource, CopySourceIfMatch: `"${etag}"` }), options)
          return true
        },
        (name, status) => (status === 412 || name === 'NoSuchKey' ? false : undefined),
      ),
    remove: (Key, signal) =>
      call(`removing ${at(Key)}`, signal, async (options) => {
        await client.send(new DeleteObjectCommand({ Bucket, Key }), options)
      }),
    close: () => client.destroy(),
  }
}

const bare = (etag: string | undefined): string => (etag ?? '').replaceAll('"', '')
