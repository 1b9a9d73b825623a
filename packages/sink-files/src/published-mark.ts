/**
 * Remembers what was published, independently of the published files, which belong to their readers.
 *
 * The mark is an empty file in the hidden folder; its name holds the number of the last stage whose publishing has
 * begun. It is renamed, durably, right before the stage's own file is. So if a stage's file is no longer in the hidden
 * folder, the mark says whether it was published or lost, even if a reader has moved or deleted it since (invariant 5).
 *
 * The mark is kept after the end of a run. If the saved state does not know the marked stage, the state is older than
 * the output, or belongs to another history, and resuming from it would publish records twice.
 *
 * Decision: docs/decisions/20261130-a-mark-of-what-was-published.md
 */
import { join } from 'node:path'
import { MillraceError } from '@millrace/core'
import type { Disk } from '@millrace/client-files'

/** Identifies a stage: its number among all stages of this sink, over all runs, and the start that finished it. */
export interface Token {
  readonly seq: number
  readonly start: string
}

const markName = ({ seq, start }: Token): string => `published-${String(seq).padStart(9, '0')}-${start}`

export const isMark = (name: string): boolean => /^published-\d+-/.test(name)

export class PublishedMark {
  /** The last stage that was published, or that a crash interrupted while it was. */
  last: Token | undefined
  private readonly disk: Disk
  private readonly folder: string
  /** A process that died may not have synced the mark that it left. */
  private isDurable = false

  /** `names`: the files in the hidden folder. */
  constructor(disk: Disk, folder: string, names: readonly string[]) {
    this.disk = disk
    this.folder = folder
    for (const name of names) {
      const [, seq, start] = /^published-(\d+)-(.*)$/.exec(name) ?? []
      if (seq !== undefined && Number(seq) > (this.last?.seq ?? -1)) this.last = { seq: Number(seq), start: start! }
    }
  }

  /**
   * Whether a saved state knows the marked stage: it was published before the state's flush, or is a stage of that
   * flush.
   */
  isKnownTo({ published, last }: { readonly published: Token | null; readonly last: Token }): boolean {
    const marked = this.last
    if (!marked || (marked.seq === published?.seq && marked.start === published.start)) return true
    return marked.start === last.start && marked.seq <= last.seq
  }

  /** Whether a stage was published. Stages are published in order, so the last one stands for all before it. */
  covers({ seq }: Token): boolean {
    return this.last !== undefined && seq <= this.last.seq
  }

  /** Call it right before publishing a stage. */
  async advance(token: Token): Promise<void> {
    if (!this.covers(token)) {
      const path = join(this.folder, markName(token))
      if (this.last) await this.disk.rename(join(this.folder, markName(this.last)), path)
      else await (await this.disk.create(path)).close()
      this.last = { seq: token.seq, start: token.start }
      this.isDurable = false
    }
    if (!this.isDurable) await this.disk.syncFolder(this.folder)
    this.isDurable = true
  }
}

/**
 * The saved state does not know a published file: it was saved before that, or belongs to another history of the run.
 */
export const stateOlder = (sink: string, folder: string, saved: Token, marked: Token): MillraceError =>
  new MillraceError(
    'state_older',
    `files were published that the saved state does not know: the last is number ${marked.seq} of start ${marked.start} (${join(folder, markName(marked))}), the state ends at number ${saved.seq} of start ${saved.start}`,
    {
      place: sink,
      hint: 'restore the latest state; or start over: pipe state reset PIPELINE, then run with --replace to write all files again or with --keep to add to them',
      exitCode: 3,
    },
  )
