/**
 * Answers of queries that somebody is looking at: their rows are kept for a while, so that every page of one is found
 * by its position and is of the same moment. Only the last few are kept.
 */
import { randomUUID } from 'node:crypto'
import { answerQuery, MillraceError, type Row } from '@millrace/core'
import type { Opened } from '../../spec.ts'
import { type AskedQuery, bound, checkAsked, type FoundCollection, rowsIn } from './find.ts'

/** An answer. */
export interface Answer {
  readonly id: string
  readonly atMs: number
  readonly rows: readonly Row[]
  /** There are more rows. */
  readonly isCut: boolean
}

/** Rows that are kept of an answer; of large rows fewer. */
const mostRows = 100_000
const fewRows = 1000
const keptAnswers = 3
const keptMs = 120_000

/** The answers of one console. */
export interface Answers {
  get(id: string): Answer | undefined
  ask(found: FoundCollection, asked: AskedQuery, opened: Opened, signal: AbortSignal): Promise<Answer>
}

/** Keeps answers. */
export function createAnswers(now: () => number = Date.now): Answers {
  const kept = new Map<string, { readonly answer: Answer; timer: NodeJS.Timeout }>()
  const keep = (answer: Answer) => {
    clearTimeout(kept.get(answer.id)?.timer)
    kept.delete(answer.id)
    kept.set(answer.id, { answer, timer: setTimeout(() => kept.delete(answer.id), keptMs).unref() })
    for (const [id, { timer }] of [...kept].slice(0, -keptAnswers)) {
      clearTimeout(timer)
      kept.delete(id)
    }
  }
  return {
    get(id) {
      const found = kept.get(id)?.answer
      if (found) keep(found)
      return found
    },
    async ask(found, asked, opened, signal) {
      const source = rowsIn(found, opened)
      const atMs = now()
      const rowsUpTo = async (most: number) => {
        const { rows } = await answerQuery(bound(checkAsked(found, asked, most + 1)), source, signal)
        return { rows: rows.slice(0, most), isCut: rows.length > most }
      }
      const { rows, isCut } = await rowsUpTo(mostRows).catch((error: unknown) => {
        if (error instanceof MillraceError && error.code === 'query_too_large') return rowsUpTo(fewRows)
        throw error
      })
      const answer = { id: randomUUID(), atMs, rows, isCut }
      keep(answer)
      return answer
    },
  }
}
