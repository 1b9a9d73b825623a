/**
 * The only file that knows the outside system. It stands in for one that holds numbered records and hands them out in
 * pages: put your own calls here. Throw `SystemError` with `retry: true` for transient failures (refused,
 * throttled, 5xx): the engine then waits and asks again.
 */

/** Records `from` to `from + size - 1` of the `total` that there are; empty: no more. */
export async function fetchPage(
  total: number,
  from: number,
  size: number,
  signal: AbortSignal,
): Promise<Record<string, unknown>[]> {
  signal.throwIfAborted()
  const count = Math.max(0, Math.min(size, total - from))
  return Array.from({ length: count }, (_, i) => ({ id: from + i + 1, name: `record ${from + i + 1}` }))
}
