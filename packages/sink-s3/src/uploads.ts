/** Sends parts of objects in the background. */
import { crashPoint } from '@millrace/core'
import { SendQueue } from '@millrace/client-s3'
import type { Bucket, StoredPart } from '@millrace/client-s3/driver'

/** An object that is sent in parts. */
export interface Upload {
  readonly key: string
  /** Its hidden name, and the mark in its metadata. */
  readonly temp: string
  readonly stage: string
  /** Its id, once it is begun. */
  id: Promise<string> | undefined
  /** Those the service has, by number. */
  readonly parts: StoredPart[]
}

/** A part to send: its number, and how to get and to discard its bytes. */
export interface Part {
  readonly upload: Upload
  readonly n: number
  read(): Promise<Uint8Array>
  discard(): Promise<void>
}

/** The parts under way. */
export class PartUploads {
  readonly queue: SendQueue
  private readonly bucket: Bucket
  private readonly begin: (upload: Upload, signal: AbortSignal) => Promise<string>

  /** `begin`: begins an upload and returns its id. */
  constructor(bucket: Bucket, most: number, begin: (upload: Upload, signal: AbortSignal) => Promise<string>) {
    this.queue = new SendQueue(most)
    this.bucket = bucket
    this.begin = begin
  }

  add(part: Part): void {
    this.queue.add((signal) => this.send(part, signal))
  }

  private async send({ upload, n, read, discard }: Part, signal: AbortSignal): Promise<void> {
    upload.id ??= this.begin(upload, signal)
    const id = await upload.id.catch((error: unknown) => {
      upload.id = undefined
      throw error
    })
    upload.parts[n - 1] = await this.bucket.part(upload.key, id, n, await read(), signal)
    crashPoint('part_sent')
    await discard()
  }
}
