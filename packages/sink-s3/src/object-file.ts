/**
 * One object being written. Its bytes go to a local file; whenever that is as large as a part and more follows, it is
 * sent as a part, and another one begun. So an object that is no larger than a part is one local file in the end, and
 * becomes visible by a single request.
 */
import { join } from 'node:path'
import type { Disk, DiskFile } from '@millrace/client-files'
import type { HiddenFile } from '@millrace/kinds'
import type { PartUploads, Upload } from './uploads.ts'

/** S3 takes 10,000 parts: after every so many of them, parts are twice as large. */
const partsOfOneSize = 2000

export class ObjectFile implements HiddenFile {
  readonly upload: Upload
  bytes = 0
  private readonly disk: Disk
  private readonly folder: string
  private readonly uploads: PartUploads
  private readonly partBytes: number
  private file: DiskFile | undefined
  /** Those that were handed over to be sent. */
  private parts = 0
  /** Bytes in the local file. */
  private held = 0

  constructor(disk: Disk, folder: string, uploads: PartUploads, partBytes: number, upload: Upload) {
    this.disk = disk
    this.folder = folder
    this.uploads = uploads
    this.partBytes = partBytes
    this.upload = upload
  }

  /** It is sent in parts. */
  get isInParts(): boolean {
    return this.parts > 0
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const most = this.partBytes * 2 ** Math.floor(this.parts / partsOfOneSize)
      if (this.held === most) await this.handOver()
      this.file ??= await this.disk.create(this.path)
      const piece = bytes.subarray(at, at + most - this.held)
      await this.file.write(piece, this.held)
      this.held += piece.length
      this.bytes += piece.length
      at += piece.length
    }
  }

  /** The local file is durable; of an object in parts, the last one is handed over to be sent. */
  async sync(): Promise<void> {
    if (this.isInParts) return this.handOver()
    this.file ??= await this.disk.create(this.path)
    await this.file.sync()
  }

  async close(): Promise<void> {
    await this.file?.close()
    this.file = undefined
  }

  private get path(): string {
    return join(this.folder, this.parts === 0 ? this.upload.temp : `${this.upload.temp}.${this.parts + 1}`)
  }

  private async handOver(): Promise<void> {
    const { disk, path, upload, held } = this
    await this.close()
    this.parts++
    this.held = 0
    this.uploads.add({
      upload,
      n: this.parts,
      read: () => readLocal(disk, path, held),
      discard: () => disk.remove(path),
    })
  }
}

/** The first bytes of a local file; fewer if it is shorter. */
export async function readLocal(disk: Disk, path: string, bytes: number): Promise<Uint8Array> {
  const reader = await disk.open(path)
  try {
    const buffer = Buffer.allocUnsafeSlow(bytes)
    let at = 0
    for (let more = -1; at < bytes && more !== 0; at += more) more = await reader.read(buffer.subarray(at), at)
    return buffer.subarray(0, at)
  } finally {
    await reader.close()
  }
}
