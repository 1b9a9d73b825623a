/** Where stages are loaded, and by whom. */
import type { OpenContext } from '@millrace/core'
import type { Note, Saved } from '@millrace/client-postgres/driver'
import type { Column } from '@millrace/kinds'
import type { Stage } from './stage.ts'

/** A table that stages are loaded into. */
export interface Target {
  /** The entry of the ledger that was read or written last. */
  readonly published: Note | undefined
  /** Opens or creates the table; returns its columns, empty if they are not known. Throws what a sink may throw. */
  open(opening: OpenContext, load: string, saved: Saved | undefined): Promise<readonly Column[]>
  /** Loads a stage, unless that was done before. Throws `SystemError`. */
  load(stage: Stage, signal: AbortSignal): Promise<void>
  close(): Promise<void>
}
