/**
 * Writes lines to compressed files in the bucket, which are staged together, with a manifest. A file is sent as soon as
 * it has its size, and held in memory until then; nothing of it is kept on disk, since the checkpoint waits for a roll.
 *
 * The folder of a stage is named by the start of the process and a number, so nothing is ever written over
 * (invariant 4).
 */
import { crashPoint } from '@millrace/core'
import { SendQueue } from '@millrace/client-s3'
import type { Bucket } from '@millrace/client-s3/driver'
import { type Compressor, createCompressor } from '@millrace/formats'
import type { Line, Roll } from '@millrace/kinds'
import { fileKey, manifest, manifestKey } from './stage.ts'

/** Characters that are gathered before they are compressed. */
const chunkLength = 256 * 1024
/** Files that are sent at once, each held in memory. */
const mostSent = 4

/** What was staged. */
export interface Staged {
  readonly folder: string
  readonly files: number
  readonly rows: number
}

/** What a staging needs to know. */
export interface StagingContext {
  readonly bucket: Bucket
  /** The bucket's name. */
  readonly name: string
  readonly partBytes: number
  readonly bounds: Roll
  /** What the folders of all stages of this start begin with. */
  readonly prefix: string
  now(): number
  /** A folder is about to be written to. */
  begins(folder: string): Promise<void>
}

export class LoadStaging {
  readonly queue = new SendQueue(mostSent)
  private readonly ctx: StagingContext
  private number = 0
  private folder: string | undefined
  private files: (readonly [key: string, bytes: number])[] = []
  private rows = 0
  private startedMs = 0
  private sentBytes = 0
  private compressor: Compressor | undefined
  private made: Uint8Array[] = []
  private madeBytes = 0
  private pending = ''

  constructor(ctx: StagingContext) {
    this.ctx = ctx
  }

  /** Takes lines. Only compresses: what cannot be sent shows later, in the queue. */
  async add(lines: readonly Line[]): Promise<void> {
    if (lines.length === 0) return
    await this.begin()
    for (const { text } of lines) {
      this.pending += `${text}\n`
      if (this.pending.length < chunkLength) continue
      await this.compress()
      if (this.madeBytes >= this.ctx.partBytes) await this.finishFile()
    }
    this.rows += lines.length
  }

  /** A bound of the load is reached. */
  get isFull(): boolean {
    if (this.rows === 0) return false
    const { bytes, records, ms } = this.ctx.bounds
    return this.rows >= records || this.sentBytes + this.madeBytes >= bytes || this.ctx.now() - this.startedMs >= ms
  }

  /** Finishes the stage: everything is in the bucket. Undefined: there are no rows. Repeated after it has thrown. */
  async finish(signal: AbortSignal): Promise<Staged | undefined> {
    if (this.folder === undefined) return undefined
    await this.finishFile()
    await this.queue.settle(signal)
    const { folder, files, rows } = this
    await this.ctx.bucket.put(manifestKey(folder), manifest(this.ctx.name, files), folder, false, signal)
    crashPoint('redshift_staged')
    this.folder = undefined
    return { folder, files: files.length, rows }
  }

  close(): void {
    this.queue.close()
    this.compressor?.close()
  }

  /** Before anything else: it may fail, and then the write is repeated. */
  private async begin(): Promise<void> {
    if (this.folder !== undefined) return
    const folder = `${this.ctx.prefix}${++this.number}/`
    await this.ctx.begins(folder)
    this.folder = folder
    this.files = []
    this.rows = 0
    this.sentBytes = 0
    this.startedMs = this.ctx.now()
  }

  private async compress(): Promise<void> {
    if (this.pending === '') return
    this.compressor ??= createCompressor('gzip')
    const bytes = Buffer.from(this.pending)
    this.pending = ''
    this.take(await this.compressor.add(bytes))
  }

  private take(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.made.push(bytes)
    this.madeBytes += bytes.length
  }

  private async finishFile(): Promise<void> {
    await this.compress()
    if (!this.compressor) return
    this.take(await this.compressor.finish())
    this.compressor = undefined
    const body = Buffer.concat(this.made)
    this.made = []
    this.madeBytes = 0
    this.sentBytes += body.length
    const { bucket } = this.ctx
    const folder = this.folder!
    const key = fileKey(folder, this.files.length + 1)
    this.files.push([key, body.length])
    this.queue.add(async (signal) => {
      // Over itself, if an answer was lost.
      await bucket.put(key, body, folder, false, signal)
      crashPoint('redshift_part_sent')
    })
  }
}
