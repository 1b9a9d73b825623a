/**
 * Sends parts in the background, a bounded number at once. A part that fails stays in the queue: whoever next waits for
 * room or for the end makes one more attempt and gets its error, so that pauses and their end are the engine's.
 */
import { crashPoint, unlessAborted } from '@millrace/core'
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
  private readonly bucket: Bucket
  private readonly most: number
  private readonly queue: Part[] = []
  private readonly stop = new AbortController()
  private active = 0
  private failure: unknown
  private waiting: (() => void)[] = []
  private readonly begin: (upload: Upload, signal: AbortSignal) => Promise<string>

  /** `begin`: begins an upload and returns its id. */
  constructor(bucket: Bucket, most: number, begin: (upload: Upload, signal: AbortSignal) => Promise<string>) {
    this.bucket = bucket
    this.most = most
    this.begin = begin
  }

  add(part: Part): void {
    this.queue.push(part)
    this.next()
  }

  /** Another part may be added. */
  get hasRoom(): boolean {
    return this.failure === undefined && this.queue.length + this.active < this.most
  }

  /** Resolves when another part may be added. Throws the `SystemError` of a part that failed again. */
  room(signal: AbortSignal): Promise<void> {
    return this.wait(() => this.queue.length + this.active < this.most, signal)
  }

  /** Resolves when all parts are sent. Throws the `SystemError` of a part that failed again. */
  settle(signal: AbortSignal): Promise<void> {
    return this.wait(() => this.queue.length + this.active === 0, signal)
  }

  close(): void {
    this.stop.abort()
  }

  private async wait(isEnough: () => boolean, signal: AbortSignal): Promise<void> {
    if (this.failure !== undefined) {
      this.failure = undefined
      this.next()
    }
    while (!isEnough()) {
      if (this.failure !== undefined) throw this.failure
      const changed = new Promise<void>((resolve) => this.waiting.push(resolve))
      await unlessAborted(changed, signal, 'sending parts of objects')
    }
  }

  private next(): void {
    while (this.failure === undefined && this.active < this.most && this.queue.length > 0) {
      this.active++
      void this.send(this.queue.shift()!)
    }
  }

  private async send(part: Part): Promise<void> {
    const { upload, n } = part
    const { signal } = this.stop
    try {
      upload.id ??= this.begin(upload, signal)
      const id = await upload.id.catch((error: unknown) => {
        upload.id = undefined
        throw error
      })
      upload.parts[n - 1] = await this.bucket.part(upload.key, id, n, await part.read(), signal)
      crashPoint('part_sent')
      await part.discard()
    } catch (error) {
      this.failure ??= error
      this.queue.unshift(part)
    }
    this.active--
    this.next()
    const { waiting } = this
    this.waiting = []
    for (const wake of waiting) wake()
  }
}
