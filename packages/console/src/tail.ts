/**
 * Follows a stream of messages. While the tab is hidden nothing is asked for; when it is seen again, it goes on from
 * where it was, so that all that came meanwhile is counted.
 */
import { useEffect, useRef, useState } from 'preact/hooks'
import type { ApiError } from './api.ts'
import type { Gap, Message, TailTick } from './wire/index.ts'

/** A message, or where some were left out. */
export type Row = { readonly message: Message } | { readonly gap: Gap }

/** What came since the tail began. Newest first. */
export interface Tail {
  readonly rows: readonly Row[]
  readonly came: number
  readonly matching: number
  /** Messages that were shown and make room for newer ones. */
  readonly letGo: number
  readonly isConnected: boolean
  readonly isCaughtUp: boolean
  readonly error: ApiError | undefined
}

const mostRows = 2000
const againMs = 2000
const nothing: Tail = {
  rows: [],
  came: 0,
  matching: 0,
  letGo: 0,
  isConnected: false,
  isCaughtUp: false,
  error: undefined,
}

/** Rows with newer ones in front of them, and how many messages are no longer among them. */
function withTick(rows: readonly Row[], { messages, gaps }: TailTick): { rows: readonly Row[]; letGo: number } {
  const more = [...messages.map((message) => ({ message })), ...gaps.map((gap) => ({ gap })), ...rows]
  const left = more.slice(mostRows)
  return {
    rows: more.slice(0, mostRows),
    letGo: left.reduce((sum, row) => sum + ('gap' in row ? row.gap.messages : 1), 0),
  }
}

/** Follows `path` from `end` while `isOn`; when it is not, the rows stay. Another path or choice begins anew. */
export function useTail(path: string, end: string | undefined, which: Readonly<Record<string, string>>, isOn: boolean) {
  const [tail, setTail] = useState(nothing)
  const at = useRef<{ readonly of: string; end: string | undefined }>({ of: '', end: undefined })
  const of = `${path}/tail?${new URLSearchParams(which)}`
  useEffect(() => {
    if (!isOn || end === undefined) return
    if (at.current.of !== of) {
      at.current = { of, end }
      setTail(nothing)
    }
    let source: EventSource | undefined
    let timer: ReturnType<typeof setTimeout> | undefined
    const close = () => {
      clearTimeout(timer)
      source?.close()
      source = undefined
    }
    const open = () => {
      close()
      if (document.hidden) return
      let before = { came: 0, matching: 0 }
      source = new EventSource(`${of}&${new URLSearchParams({ from: at.current.end ?? '{}' })}`)
      source.addEventListener('message', ({ data }: MessageEvent<string>) => {
        const tick = JSON.parse(data) as TailTick
        at.current.end = tick.end
        const [came, matching] = [tick.came - before.came, tick.matching - before.matching]
        before = tick
        setTail((was) => {
          const { rows, letGo } = withTick(was.rows, tick)
          return {
            rows,
            came: was.came + came,
            matching: was.matching + matching,
            letGo: was.letGo + letGo,
            isConnected: true,
            isCaughtUp: tick.isCaughtUp,
            error: undefined,
          }
        })
      })
      source.addEventListener('failed', ({ data }: MessageEvent<string>) => {
        close()
        setTail((was) => ({ ...was, isConnected: false, error: JSON.parse(data) as ApiError }))
        timer = setTimeout(open, againMs)
      })
      // Opened anew by hand, from where it was: a browser would begin where this one did.
      source.addEventListener('error', () => {
        close()
        setTail((was) => ({ ...was, isConnected: false }))
        timer = setTimeout(open, againMs)
      })
    }
    const seen = () => (document.hidden ? close() : open())
    document.addEventListener('visibilitychange', seen)
    open()
    return () => {
      document.removeEventListener('visibilitychange', seen)
      close()
    }
  }, [of, end, isOn])
  return { tail: at.current.of === of ? tail : nothing, setRows }

  /** Puts loaded messages in the place of a gap. */
  function setRows(change: (rows: readonly Row[]) => readonly Row[]) {
    setTail((was) => ({ ...was, rows: change(was.rows) }))
  }
}
