/** Rows of an answer that is kept by the command, fetched in pages as they come into sight. */
import { useEffect, useRef, useState } from 'preact/hooks'
import { api, type ApiError } from './api.ts'
import type { DataCell, DataPage, QueryProblem } from './wire/index.ts'

/** What is known of an answer. */
export interface Rows {
  /** Undefined: it has not come. */
  readonly found?: { readonly id: string; readonly atMs: number; readonly kept: number; readonly isCut: boolean }
  readonly problems: readonly QueryProblem[]
  readonly error?: ApiError
  /** The row at a position; undefined: it is on its way. */
  at(i: number): readonly DataCell[] | undefined
  /** Fetches these, if they are not there. */
  want(from: number, to: number): void
  again(): void
}

/** As the command sends them. */
const pageRows = 500

/** The rows of `path`, a query with its parameters. */
export function useRows(path: string): Rows {
  const [turn, setTurn] = useState(0)
  const [page, setPage] = useState<DataPage>()
  const [error, setError] = useState<ApiError>()
  const [, redraw] = useState(0)
  const known = useRef({ pages: new Map<number, readonly (readonly DataCell[])[]>(), asked: new Set<number>(), id: '' })
  useEffect(() => {
    const stop = new AbortController()
    setPage(undefined)
    setError(undefined)
    known.current = { pages: new Map(), asked: new Set([0]), id: '' }
    void fetchPage(0, stop.signal)
    return () => stop.abort()
  }, [path, turn])

  async function fetchPage(n: number, signal?: AbortSignal): Promise<void> {
    const { id } = known.current
    const more = new URLSearchParams({ from: String(n * pageRows), ...(id === '' ? {} : { id }) })
    try {
      const answer = await api<DataPage>(`${path}&${more}`, undefined, signal)
      if (signal?.aborted) return
      if ('id' in answer) {
        // Another answer than the one before: that was let go, so its rows may be others.
        if (answer.id !== known.current.id) known.current = { pages: new Map(), asked: new Set([n]), id: answer.id }
        known.current.pages.set(n, answer.rows)
      }
      setPage(answer)
      redraw((count) => count + 1)
    } catch (cause) {
      if (signal?.aborted) return
      known.current.asked.delete(n)
      setError(cause as ApiError)
    }
  }
  return {
    ...(page && 'id' in page ? { found: page } : {}),
    problems: page && 'problems' in page ? page.problems : [],
    ...(error ? { error } : {}),
    at: (i) => known.current.pages.get(Math.floor(i / pageRows))?.[i % pageRows],
    want(from, to) {
      for (let n = Math.floor(from / pageRows); n * pageRows < to; n++) {
        if (known.current.asked.has(n)) continue
        known.current.asked.add(n)
        void fetchPage(n)
      }
    },
    again: () => setTurn((n) => n + 1),
  }
}
