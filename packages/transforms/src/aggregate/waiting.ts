/** What waits for the watermark: windows that have not fired. */
import type { Waiting, WaitingWindow } from '@millrace/core'

/** So many of those that fire first are told. */
export const nextCount = 3

/** The windows that fire first, in that order. */
export function firstToFire<W>(windows: Iterable<W>, firesAt: (window: W) => number): W[] {
  const first: W[] = []
  for (const window of windows) {
    if (first.length === nextCount && firesAt(window) >= firesAt(first.at(-1)!)) continue
    first.push(window)
    first.sort((a, b) => firesAt(a) - firesAt(b))
    if (first.length > nextCount) first.pop()
  }
  return first
}

/** These windows, of which `told` says more about those that fire first. */
export function waitingIn<W>(
  windows: readonly W[],
  records: number,
  firesAt: (window: W) => number,
  told: (window: W) => Omit<WaitingWindow, 'firesAt'>,
): Waiting {
  const next = firstToFire(windows, firesAt).map((window) => ({ ...told(window), firesAt: firesAt(window) }))
  return { windows: windows.length, records, next }
}
