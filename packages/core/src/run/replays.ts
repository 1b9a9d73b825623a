/**
 * Dead letters that go through the pipeline again. They are a source of the component, beside its own or alone, and
 * take the same way: the same counters, queues, memory and epoch, so that what they become is saved with everything
 * else, and a kill in the middle doubles nothing that a kill of a run does not.
 *
 * A letter enters at decoding, under its own id. The steps before the node it stopped at (its target) are passed by
 * themselves: steps with memory with an empty one, since theirs has seen the record, and nothing of it reaches any
 * other branch, since they had it. Of several records made of one, only the letter itself goes on. From its target on
 * it is a record like any other. It moves no lane, and is judged by its own split's lane as it stands.
 *
 * A letter that fails before or at its target stays open. One that fails behind it is replayed, and what failed is a
 * letter of its own.
 */
import type { Failure, LetterKey } from '../connector/dead-letter.ts'
import type { LetterState, Save, Store } from '../store/index.ts'
import { type Letter, letterKey } from './letters.ts'
import { createOverlay, type Overlay, type OverlayContext } from './overlay.ts'

/** What became of a letter in a replay. */
export interface ReplayOutcome {
  readonly key: LetterKey
  /** `skipped`: it was replayed or dismissed before. */
  readonly outcome: 'replayed' | 'failed' | 'skipped'
  /** Where and why it failed again. */
  readonly node?: string
  readonly code?: string
  readonly message?: string
}

export interface Replays {
  /** Hands letters over. What became of each is told when their epoch is saved. */
  handOver(letters: readonly Letter[], report: (outcomes: readonly ReplayOutcome[]) => void): void
  /** There are letters in the epoch being filled. */
  readonly areFilling: boolean
  /** A letter that is being replayed failed, at its target or behind. */
  failed(failure: Failure): void
  /** A letter is written, in the epoch being filled or in the one being written. */
  buried(key: LetterKey, isBeingWritten: boolean): void
  /** For a barrier: the letters of the epoch being filled, as far as they are known. */
  close(): Save['letters']
  /** When all of the barrier's epoch is written: what became of its letters. */
  takeOutcomes(letters: Save['letters']): Save['letters']
  /** The barrier's epoch is saved. */
  saved(): void
}

export interface ReplaysContext extends OverlayContext {
  readonly store: Pick<Store, 'letterState' | 'hasLetters'>
  /** Where letters of a node go: to it, or where the spec has it no more, to what read it; and what else that read. */
  targets(node: string): Readonly<Record<string, readonly string[]>>
  touch(): void
}

interface Handed {
  readonly key: LetterKey
  readonly tell: (outcome: ReplayOutcome) => void
  outcome: ReplayOutcome
}

const textOf = ({ id, node }: LetterKey): string => `${node}\0${id}`

export function createReplays(ctx: ReplaysContext): Replays {
  const { store } = ctx
  const overlays = new Map<string, Overlay>()
  /** By epoch: of the one being filled, and of the one being written. */
  let filling = new Map<string, Handed>()
  let writing = new Map<string, Handed>()
  let reopened: LetterKey[] = []
  let reopenedInWriting: LetterKey[] = []

  const failedAgain = (key: LetterKey, node: string, code: string, message: string | undefined) => {
    const handed = filling.get(textOf(key)) ?? writing.get(textOf(key))
    if (handed) handed.outcome = { key, outcome: 'failed', node, code, ...(message ? { message } : {}) }
  }
  return {
    handOver(letters, report) {
      const outcomes: ReplayOutcome[] = []
      const done = (outcome: ReplayOutcome) => {
        outcomes.push(outcome)
        if (outcomes.length === letters.length) report(outcomes)
      }
      if (letters.length === 0) return report([])
      for (const letter of letters) {
        const key = letterKey(letter)
        if (store.letterState(key.id, key.node) !== 'open' || filling.has(textOf(key)) || writing.has(textOf(key))) {
          done({ key, outcome: 'skipped' })
          continue
        }
        filling.set(textOf(key), { key, tell: done, outcome: { key, outcome: 'replayed' } })
        ctx.touch()
        const entries = Object.entries(ctx.targets(key.node)).map(([target, besides]) => {
          let overlay = overlays.get(target)
          if (!overlay) overlays.set(target, (overlay = createOverlay(target, ctx, failedAgain)))
          return overlay(letter, besides)
        })
        // One that stays open has come to none of its targets: its repetition would else double it at the others.
        if (entries.includes(undefined)) continue
        const fresh = entries.filter((entry) => typeof entry === 'function')
        for (const enter of fresh) enter()
        if (fresh.length === 0)
          failedAgain(key, key.node, 'not_reached', `what read ${key.node} has had the record by another way`)
      }
    },
    get areFilling() {
      return filling.size > 0
    },
    failed({ letter, node, code, message, id }) {
      // What fails behind the target, or is another of several records made of it, becomes a letter of its own.
      if (letter && letter.node === node && letter.id === id) failedAgain(letter, node, code, message)
    },
    buried(key, isBeingWritten) {
      if (!store.hasLetters() && filling.size + writing.size === 0) return
      ;(isBeingWritten ? reopenedInWriting : reopened).push(key)
    },
    close() {
      writing = filling
      filling = new Map()
      reopenedInWriting = reopened
      reopened = []
      return []
    },
    takeOutcomes() {
      const states: (LetterKey & { state: LetterState })[] = reopenedInWriting.map((key) => ({ ...key, state: 'open' }))
      for (const { key, outcome } of writing.values())
        if (outcome.outcome === 'replayed') states.push({ ...key, state: 'replayed' })
      return states
    },
    saved() {
      for (const { tell, outcome } of writing.values()) tell(outcome)
      writing = new Map()
      reopenedInWriting = []
    },
  }
}
