/** Streams, and the messages in them. */

/** A stream that pipelines read or write. */
export interface StreamLine {
  /** Its connection, or the `PIPELINE.ID` of what names it without one. */
  readonly place: string
  readonly stream: string
  readonly type: string
  readonly readBy: readonly string[]
  readonly writtenBy: readonly string[]
}

/** A partition as it is now. */
export interface SplitLine {
  readonly split: string
  /** Positions of the first message that is there and of the next to come, where the system numbers them. */
  readonly range?: { readonly first: number; readonly next: number } | undefined
}

/** A message, or its beginning. */
export interface Message {
  readonly split: string
  readonly position: string
  /** When it arrived, ms UTC. */
  readonly atMs: number | null
  /** Null: it has none. One that is not UTF-8 is `0x` and its bytes; so are names and values of headers. */
  readonly key: string | null
  /** In their order. */
  readonly headers: readonly (readonly [name: string, value: string | null])[]
  /** It has no value, which is not the same as an empty one. */
  readonly isTombstone: boolean
  /** Its size. */
  readonly bytes: number
  /** Its bytes as text, or as base64 if they are not UTF-8. */
  readonly text?: string
  readonly base64?: string
  /** Only its beginning is here. */
  readonly isCut: boolean
}

/** Messages that were left out, all of one partition: those from `after` to before `before`, both left out. */
export interface Gap {
  readonly split: string
  readonly messages: number
  readonly after: string
  readonly before: { readonly position: string; readonly atMs?: number | undefined }
}

/** Messages, newest first over all partitions. */
export interface MessagePage {
  readonly splits: readonly SplitLine[]
  readonly messages: readonly Message[]
  /** How many were looked at to find these. */
  readonly looked: number
  /** For those before them; null: there are none. */
  readonly older: string | null
  /** To follow what comes after them. */
  readonly end: string
}

/** What has come since the last one. */
export interface TailTick {
  /** Since the tail began: all that came, and those that were searched for. */
  readonly came: number
  readonly matching: number
  /** Newest first. */
  readonly messages: readonly Message[]
  /** More came than are sent. */
  readonly gaps: readonly Gap[]
  /** To go on after it. */
  readonly end: string
  /** Nothing more was there when it was looked. */
  readonly isCaughtUp: boolean
}
