/** One file being written: rows become bytes, bytes are compressed and go to a hidden file; when it is finished and synced, it can be shown under its name. */
import { crashPoint, type Json, type Row } from '@millrace/core'
import type { Compressor, DiskFile, RecordWriter, RefusedRow } from '@millrace/formats'

/** Bytes that are gathered before they are written. */
export const chunkBytes = 256 * 1024

/** What a restart needs to go on with a file that can be cut back. */
export interface OpenFile {
  /** The hidden file's name. */
  readonly temp: string
  /** What it will be called, relative to the root. */
  readonly final: string
  /** Its place; see template.ts. */
  readonly key: string
  readonly bytes: number
  readonly records: number
  readonly [key: string]: Json
}

/** A file that is finished, but not shown yet. */
export interface FinishedFile {
  readonly temp: string
  readonly final: string
  readonly bytes: number
}

export class Output {
  readonly temp: string
  readonly final: string
  readonly key: string
  readonly startedMs: number
  records: number
  private bytes: number
  private isSynced = true
  private readonly file: DiskFile
  private readonly writer: RecordWriter
  private readonly compressor: Compressor | undefined

  constructor(
    at: Omit<OpenFile, 'bytes' | 'records'> & { bytes?: number; records?: number },
    file: DiskFile,
    writer: RecordWriter,
    compressor: Compressor | undefined,
    startedMs: number,
  ) {
    this.temp = at.temp as string
    this.final = at.final as string
    this.key = at.key as string
    this.bytes = at.bytes ?? 0
    this.records = at.records ?? 0
    this.file = file
    this.writer = writer
    this.compressor = compressor
    this.startedMs = startedMs
  }

  /** Takes rows, but for those it returns. Nothing goes to the disk. */
  add(rows: readonly Row[]): readonly RefusedRow[] | undefined {
    const refused = this.writer.write(rows) ?? undefined
    this.records += rows.length - (refused?.length ?? 0)
    return refused
  }

  get pendingBytes(): number {
    return this.writer.pendingBytes
  }

  /** The file's size, what is not written yet included. Rows that wait for their row group count as a quarter of their size in memory. */
  get size(): number {
    return this.bytes + this.writer.pendingBytes + (this.writer.heldBytes ?? 0) / 4
  }

  /** What is held in memory. */
  get heldBytes(): number {
    return this.writer.pendingBytes + (this.writer.heldBytes ?? 0)
  }

  /** Writes everything that is held in memory. */
  async release(): Promise<void> {
    this.writer.cut?.()
    await this.drain()
  }

  /** Writes what is there to be written. */
  async drain(): Promise<void> {
    await this.put(this.writer.take())
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

  /** Makes what was added durable, and says how to go on with it. Only for formats that can be cut back. */
  async hold(): Promise<OpenFile> {
    await this.drain()
    if (!this.isSynced) await this.file.sync()
    this.isSynced = true
    return { temp: this.temp, final: this.final, key: this.key, bytes: this.bytes, records: this.records }
  }

  /** Writes the rest, makes all of it durable and closes the file. */
  async finish(): Promise<FinishedFile> {
    await this.put(this.writer.finish())
    if (this.compressor) await this.append(await this.compressor.finish())
    await this.file.sync()
    await this.file.close()
    return { temp: this.temp, final: this.final, bytes: this.bytes }
  }

  /** Gives it up as it is. */
  async close(): Promise<void> {
    this.compressor?.close()
    await this.file.close()
  }
}
