/**
 * The mark of what was shown: an empty file in the hidden folder, whose name is that of the last stage that was shown
 * or was about to be. It is renamed, durably, before each stage's file is; so of a stage whose file is not in the
 * hidden folder any more it tells whether it was shown, whatever its readers have done with it since (invariant 5).
 *
 * It stays when the run has ended. A state whose flush does not know the stage that is marked is older than what was
 * shown (or of another history): what it would write again is there already.
 */
import { join } from 'node:path'
import { MillraceError } from '@millrace/core'
import type { Disk } from '@millrace/formats'

/**
 * A stage's place in the order in which the stages of a sink are shown, over all its runs, and the start that finished
 * it.
 */
export interface Token {
  readonly seq: number
  readonly start: string
}

const markName = ({ seq, start }: Token): string => `shown-${String(seq).padStart(9, '0')}-${start}`

export const isMark = (name: string): boolean => /^shown-\d+-/.test(name)

export class Shown {
  /** The last stage that was shown, or was about to be. */
  last: Token | undefined
  private readonly disk: Disk
  private readonly folder: string

  constructor(disk: Disk, folder: string, names: readonly string[]) {
    this.disk = disk
    this.folder = folder
    for (const name of names) {
      const [, seq, start] = /^shown-(\d+)-(.*)$/.exec(name) ?? []
      if (seq !== undefined && Number(seq) > (this.last?.seq ?? -1)) this.last = { seq: Number(seq), start: start! }
    }
  }

  /** Whether a state knows the last stage that was shown: it was shown before its flush, or is of it. */
  isKnown({ shown, last }: { readonly shown: Token | null; readonly last: Token }): boolean {
    const marked = this.last
    if (!marked || (marked.seq === shown?.seq && marked.start === shown.start)) return true
    return marked.start === last.start && marked.seq <= last.seq
  }

  has({ seq }: Token): boolean {
    return this.last !== undefined && seq <= this.last.seq
  }

  /** To be called right before a stage is shown. */
  async mark(token: Token): Promise<void> {
    if (this.has(token)) return
    const path = join(this.folder, markName(token))
    if (this.last) await this.disk.rename(join(this.folder, markName(this.last)), path)
    else await (await this.disk.create(path)).close()
    this.last = { seq: token.seq, start: token.start }
    await this.disk.syncFolder(this.folder)
  }
}

/** A state that does not know of a file that was shown: saved before, or by another history of the same run. */
export const stateOlder = (sink: string, folder: string, saved: Token, marked: Token): MillraceError =>
  new MillraceError(
    'state_older',
    `files were shown that the saved state does not know of: the last was number ${marked.seq} of start ${marked.start}, as ${join(folder, markName(marked))} says, and the state ends at number ${saved.seq} of start ${saved.start}`,
    {
      place: sink,
      hint: 'put the latest state back; or begin anew with `pipe state reset`, and run with --replace to write all files again or with --keep to add to them',
      exitCode: 3,
    },
  )
