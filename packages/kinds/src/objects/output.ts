/**
 * One file or object being written: rows become bytes, and bytes are compressed and go where no reader sees them; when
 * it is finished and durable, it can be published under its name.
 */
import { crashPoint, type Json, type Row } from '@millrace/core'
import type { Compressor, RecordWriter, Written } from '@millrace/formats'

/** Bytes that are buffered before they are written. */
export const chunkBytes = 256 * 1024

/** Where the bytes of one file go until it is published. */
export interface HiddenFile {
  /** Writes all of `bytes` at `position`, which is where the bytes so far end. */
  write(bytes: Uint8Array, position: number): Promise<void>
  /** Resolves when everything written is durable. */
  sync(): Promise<void>
  close(): Promise<void>
}

/** What a restart needs to continue a file that can be truncated. */
export interface OpenFile {
  /** Its hidden name. */
  readonly temp: string
  /** Its future name, relative to the root. */
  readonly final: string
  /** Its place; see template.ts. */
  readonly key: string
  /** The number in its name. */
  readonly number: number
  readonly bytes: number
  readonly records: number
  /** Its age when it was saved. */
  readonly ageMs: number
  readonly [key: string]: Json
}

/** A file that is finished, but not published yet. */
export interface FinishedFile {
  readonly temp: string
  readonly final: string
  readonly bytes: number
}

/** When a file is full. */
export interface Bounds {
  readonly bytes: number
  readonly records: number
}

/** One file being written. */
export class Output {
  readonly temp: string
  readonly final: string
  readonly key: string
  readonly number: number
  readonly startedMs: number
  records: number
  private bytes: number
  private isSynced = true
  private readonly file: HiddenFile
  private readonly writer: RecordWriter
  private readonly compressor: Compressor | undefined
  private readonly bounds: Bounds
  /** Its rows become bytes as soon as they are added. */
  private readonly isText: boolean

  constructor(
    at: Pick<OpenFile, 'temp' | 'final' | 'key' | 'number'> & Partial<Pick<OpenFile, 'bytes' | 'records'>>,
    file: HiddenFile,
    writer: RecordWriter,
    compressor: Compressor | undefined,
    bounds: Bounds,
    startedMs: number,
  ) {
    this.temp = at.temp
    this.final = at.final
    this.key = at.key
    this.number = at.number
    this.bytes = at.bytes ?? 0
    this.records = at.records ?? 0
    this.bounds = bounds
    this.isText = writer.heldBytes === undefined
    this.file = file
    this.writer = writer
    this.compressor = compressor
    this.startedMs = startedMs
  }

  /** Takes rows, until the file or its current chunk is full. Nothing goes to disk. */
  add(rows: readonly Row[]): Written {
    const { bytes, records } = this.bounds
    const left = records - this.records
    const room = bytes - this.bytes
    const written = this.writer.write(
      rows.length > left ? rows.slice(0, left) : rows,
      this.isText ? Math.min(room, chunkBytes) : room,
    )
    this.records += written.taken - (written.refused?.length ?? 0)
    return written
  }

  get pendingBytes(): number {
    return this.writer.pendingBytes
  }

  /** It has reached its maximum of records or bytes, including those not written yet. */
  get isFull(): boolean {
    if (this.records === 0) return false
    return this.records >= this.bounds.records || this.bytes + this.writer.size >= this.bounds.bytes
  }

  /** The memory in use. */
  get heldBytes(): number {
    return this.writer.pendingBytes + (this.writer.heldBytes ?? 0)
  }

  /** Writes everything in memory to disk. */
  async release(): Promise<void> {
    this.writer.cut?.()
    await this.drain()
  }

  /** Writes complete chunks to disk. */
  async drain(): Promise<void> {
    for (let bytes = this.writer.take(); bytes.length > 0; bytes = this.writer.take()) await this.put(bytes)
  }

  private async put(bytes: Uint8Array): Promise<void> {
    if (bytes.length > 0) await this.append(this.compressor ? await this.compressor.add(bytes) : bytes)
  }

  private async append(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return
    this.isSynced = false
    await this.file.write(bytes, this.bytes)
    this.bytes += bytes.length
    crashPoint('mid_file')
  }

  /** Makes everything added durable, and returns how to continue the file. Only for formats that can be truncated. */
  async hold(nowMs: number): Promise<OpenFile> {
    await this.drain()
    if (!this.isSynced) await this.file.sync()
    this.isSynced = true
    const { temp, final, key, number, bytes, records } = this
    return { temp, final, key, number, bytes, records, ageMs: Math.round(nowMs - this.startedMs) }
  }

  /** Writes the rest, makes everything durable and closes the file. */
  async finish(): Promise<FinishedFile> {
    await this.release()
    await this.put(this.writer.finish())
    if (this.compressor) await this.append(await this.compressor.finish())
    await this.file.sync()
    await this.file.close()
    return { temp: this.temp, final: this.final, bytes: this.bytes }
  }

  /** Abandons it as it is. */
  async close(): Promise<void> {
    this.compressor?.close()
    await this.file.close()
  }
}
