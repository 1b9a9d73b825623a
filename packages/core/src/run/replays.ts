/**
 * Replays dead letters through the pipeline. They are another source of the component, alongside its own sources or
 * alone, and share its counters, queues, memory and epochs. So their results are saved with everything else, and a kill
 * in the middle of a replay duplicates nothing that a kill of a run would not.
 *
 * A letter is decoded again and keeps its id. It passes the steps before the node at which it stopped (its target) in a
 * separate graph (replay-graph.ts): stateful steps have empty memory there, since the real ones have seen the record,
 * and no other branch gets it, since they have already received it. If several records are made from one, only the
 * letter itself continues. From its target on it is a record like any other. It does not advance its lane, and whether
 * it is late depends on where its split's lane is now.
 *
 * A letter that fails before its target or at the node where it stopped stays open. One that fails after that,
 * including at an heir of a removed node, counts as replayed, and the failed record becomes a letter of its own.
 */
import type { Failure, LetterKey } from '../connector/dead-letter.ts'
import type { LetterState, Save, Store } from '../store/index.ts'
import { type Letter, letterKey } from './letters.ts'
import { createReplayGraph, type ReplayGraph, type ReplayGraphContext } from './replay-graph.ts'

/** The outcome of a letter's replay. */
export interface ReplayOutcome {
  readonly key: LetterKey
  /** `skipped`: it had been replayed or dismissed already. */
  readonly outcome: 'replayed' | 'failed' | 'skipped'
  /** Where and why it failed again. */
  readonly node?: string
  readonly code?: string
  readonly message?: string
}

/** Takes the outcomes of letters, once their epoch is saved. */
export type ReportOutcomes = (outcomes: readonly ReplayOutcome[]) => void

export interface Replays {
  /**
   * Hands letters over. Without `report` they are repeated: a killed process handed them over and may have written
   * results already, so one that was dismissed meanwhile is replayed as well.
   */
  handOver(letters: readonly Letter[], report?: ReportOutcomes): void
  /** Whether letters are in the epoch being filled. */
  readonly areFilling: boolean
  /** A letter that is being replayed failed, at its target or after it. */
  onFailure(failure: Failure): void
  /** A dead letter is written, in the epoch being filled or in the one being written. */
  deadLettered(key: LetterKey, isBeingWritten: boolean): void
  /** A barrier: what fails from now on belongs to the next epoch. */
  close(): void
  /** Once the barrier's epoch is written: the states of its letters. */
  outcomes(): Save['letters']
  /** The barrier's epoch is saved. */
  saved(): void
}

export interface ReplaysContext extends ReplayGraphContext {
  readonly store: Pick<Store, 'letterState' | 'hasLetters'>
  /**
   * Targets of the letters of a node: the node itself, or the successors of a removed one, each with its other inputs.
   */
  targets(node: string): Readonly<Record<string, readonly string[]>>
  touch(): void
}

interface PendingLetter {
  readonly key: LetterKey
  /** Absent while it is repeated and nobody has asked for it again. */
  tell?: (outcome: ReplayOutcome) => void
  outcome: ReplayOutcome
}

const keyText = ({ id, node }: LetterKey): string => `${node}\0${id}`

export function createReplays(ctx: ReplaysContext): Replays {
  const { store } = ctx
  const graphs = new Map<string, ReplayGraph>()
  /** Letters of the epoch being filled, and of the one being written. */
  let filling = new Map<string, PendingLetter>()
  let writing = new Map<string, PendingLetter>()
  let reopened: LetterKey[] = []
  let reopenedInWriting: LetterKey[] = []

  const failedAgain = (key: LetterKey, node: string, code: string, message: string | undefined) => {
    const handed = filling.get(keyText(key)) ?? writing.get(keyText(key))
    if (handed) handed.outcome = { key, outcome: 'failed', node, code, message }
  }
  return {
    handOver(letters, report) {
      const outcomes: ReplayOutcome[] = []
      const done = (outcome: ReplayOutcome) => {
        outcomes.push(outcome)
        if (outcomes.length === letters.length) report?.(outcomes)
      }
      if (letters.length === 0) return report?.([])
      for (const letter of letters) {
        const key = letterKey(letter)
        const pending = filling.get(keyText(key)) ?? writing.get(keyText(key))
        if (pending && !pending.tell) {
          pending.tell = done
          continue
        }
        const state = store.letterState(key.id, key.node)
        if (pending || state === 'replayed' || (state === 'dismissed' && report)) {
          done({ key, outcome: 'skipped' })
          continue
        }
        filling.set(keyText(key), { key, tell: report && done, outcome: { key, outcome: 'replayed' } })
        ctx.touch()
        const entries = Object.entries(ctx.targets(key.node)).map(([target, besides]) => {
          let graph = graphs.get(target)
          if (!graph) graphs.set(target, (graph = createReplayGraph(target, ctx, failedAgain)))
          return graph(letter, besides)
        })
        // A letter that stays open enters none of its targets, or a repeated replay would duplicate it at the others.
        if (entries.includes(undefined)) continue
        const fresh = entries.filter((entry) => typeof entry === 'function')
        for (const enter of fresh) enter()
        if (fresh.length === 0)
          failedAgain(
            key,
            key.node,
            'not_reached',
            `the nodes after ${key.node} have already received the record by another path`,
          )
      }
    },
    get areFilling() {
      return filling.size > 0
    },
    onFailure({ letter, node, code, message, id }) {
      // A failure after the target, or of another record made from the same one, becomes a letter of its own.
      if (letter && letter.node === node && letter.id === id) failedAgain(letter, node, code, message)
    },
    deadLettered(key, isBeingWritten) {
      if (!store.hasLetters() && filling.size + writing.size === 0) return
      ;(isBeingWritten ? reopenedInWriting : reopened).push(key)
    },
    close() {
      writing = filling
      filling = new Map()
      reopenedInWriting = reopened
      reopened = []
    },
    outcomes() {
      const states: (LetterKey & { state: LetterState })[] = reopenedInWriting.map((key) => ({ ...key, state: 'open' }))
      for (const { key, outcome } of writing.values())
        if (outcome.outcome === 'replayed') states.push({ ...key, state: 'replayed' })
      return states
    },
    saved() {
      for (const { tell, outcome } of writing.values()) tell?.(outcome)
      writing = new Map()
      reopenedInWriting = []
    },
  }
}
