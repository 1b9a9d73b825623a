/**
 * Snapshots over one stream of events for all tabs of a browser: the tab that holds the lock listens and passes them on
 * to the others, since a browser opens only a few connections to one server. Hidden tabs ask for nothing.
 */
import { useEffect, useState } from 'preact/hooks'
import type { LivePipeline, Snapshot } from './wire/index.ts'

/** What is known, and whether it still comes. */
export interface LiveState {
  readonly snapshot: Snapshot
  /** When it came, by this browser's clock; 0: nothing yet. */
  readonly cameMs: number
  readonly isConnected: boolean
  /** Records a second at each node, by pipeline, over the last few seconds. */
  readonly rates: Readonly<Record<string, Readonly<Record<string, number>>>>
}

const channel = new BroadcastChannel('millrace-live')
const listeners = new Set<() => void>()
let state: LiveState = { snapshot: {}, cameMs: 0, isConnected: false, rates: {} }
/** Snapshots of the last seconds, for rates. */
let past: { readonly atMs: number; readonly snapshot: Snapshot }[] = []
const overMs = 5000

function set(next: Partial<LiveState>): void {
  state = { ...state, ...next }
  for (const listener of listeners) listener()
}

function take(snapshot: Snapshot): void {
  const atMs = Date.now()
  past = [...past.filter((each) => atMs - each.atMs <= overMs), { atMs, snapshot }]
  set({ snapshot, cameMs: atMs, isConnected: true, rates: ratesIn(past[0]!.snapshot, snapshot) })
}

function ratesIn(before: Snapshot, now: Snapshot): LiveState['rates'] {
  return Object.fromEntries(
    Object.entries(now).map(([name, pipeline]) => [name, ratesOf(before[name], pipeline)] as const),
  )
}

function ratesOf(before: LivePipeline | undefined, now: LivePipeline): Readonly<Record<string, number>> {
  const seconds = before ? (now.atMs - before.atMs) / 1000 : 0
  if (!now.isRunning || seconds <= 0) return {}
  return Object.fromEntries(
    Object.entries(now.nodes).map(([id, node]) => [
      id,
      Math.max(0, node.out - (before!.nodes[id]?.out ?? node.out)) / seconds,
    ]),
  )
}

type Told = { readonly snapshot: Snapshot } | { readonly isConnected: boolean }

channel.addEventListener('message', ({ data }: MessageEvent<Told>) => {
  if ('snapshot' in data) take(data.snapshot)
  else set(data)
})

/** Listens once this tab is the one that does. */
export function startLive(): void {
  void navigator.locks.request('millrace-live', () => {
    listen()
    // Until the tab is closed.
    return new Promise(() => {})
  })
}

function listen(): void {
  const source = new EventSource('/api/live')
  source.addEventListener('message', ({ data }: MessageEvent<string>) => {
    const snapshot = JSON.parse(data) as Snapshot
    take(snapshot)
    channel.postMessage({ snapshot } satisfies Told)
  })
  source.addEventListener('error', () => {
    set({ isConnected: false })
    channel.postMessage({ isConnected: false } satisfies Told)
    // A browser connects again by itself, but gives up for good on an answer that is no stream of events.
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, 2000)
  })
}

/** The live state, for a view. While the tab is hidden nothing is drawn; it catches up when it is seen again. */
export function useLive(): LiveState {
  const [seen, setSeen] = useState(state)
  useEffect(() => {
    const show = () => {
      if (!document.hidden) setSeen(state)
    }
    listeners.add(show)
    document.addEventListener('visibilitychange', show)
    show()
    return () => {
      listeners.delete(show)
      document.removeEventListener('visibilitychange', show)
    }
  }, [])
  return seen
}
