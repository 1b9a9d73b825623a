/**
 * Writes entries until each is stored. PutRecords goes on after an entry that it refuses, so a later one of the same
 * key would be stored before it. With `order: strict` a call therefore has only one record of each partition key: the
 * next follows when it is stored. What a call refuses is sent again with the next, after a pause that grows.
 *
 * API reference of Kinesis, PutRecords: "A single record failure does not stop the processing of subsequent records. As
 * a result, PutRecords doesn't guarantee the ordering of records."
 */
import { pause, SystemError, type WriteFailure, unlessAborted } from '@millrace/core'
import type { OpenStream } from '@millrace/client-kinesis/driver'
import type { Numbered } from './entries.ts'
import type { Options } from './options.ts'

/** Limits of one call: API reference of Kinesis, PutRecords. */
const mostEntries = 500
const mostBytes = 5 * 1024 * 1024
/** After this many calls in a row that store nothing, the engine takes over, which knows how long to go on. */
const fruitless = 5

/** Entries that are not stored go to `failures`, as failures of the system. */
export async function putAll(
  entries: readonly Numbered[],
  order: Options['order'],
  stream: Pick<OpenStream, 'put'>,
  signal: AbortSignal,
  failures: WriteFailure[],
): Promise<void> {
  let waiting = entries
  let failedCalls = 0
  while (waiting.length > 0) {
    const { now, later } = nextCall(waiting, order)
    const results = await unlessAborted(stream.put(now.map(({ entry }) => entry)), signal, 'writing to Kinesis')
    if (results.length !== now.length)
      throw new SystemError('unknown_outcome', `Kinesis told ${results.length} outcomes of ${now.length} records`, {
        retry: true,
      })
    const refused = now.filter((_, k) => results[k]!.ErrorCode !== undefined)
    failedCalls = refused.length === now.length ? failedCalls + 1 : 0
    waiting = refused.length === 0 ? later : [...refused, ...later].toSorted((a, b) => a.index - b.index)
    if (refused.length === 0) continue
    if (failedCalls < fruitless) {
      // Jitter: writers that were refused together should not come back together.
      const most = 50 * 2 ** failedCalls
      await pause(most / 2 + Math.random() * (most / 2), signal, 'waiting to write to Kinesis again')
      continue
    }
    const { ErrorCode, ErrorMessage } = results.find((each) => each.ErrorCode !== undefined)!
    for (const { index } of waiting) {
      const code = ErrorCode === 'ProvisionedThroughputExceededException' ? 'throttled' : 'unavailable'
      failures.push({ index, kind: 'system', code, message: `Kinesis refuses records: ${ErrorCode}: ${ErrorMessage}` })
    }
    return
  }
}

/** The entries of the next call, within the limits of a call; in strict order the first of each key. */
function nextCall(
  waiting: readonly Numbered[],
  order: Options['order'],
): { readonly now: Numbered[]; readonly later: Numbered[] } {
  const now: Numbered[] = []
  const later: Numbered[] = []
  const keys = new Set<string | undefined>()
  let bytes = 0
  for (const each of waiting) {
    const key = each.entry.PartitionKey
    const fits = now.length < mostEntries && (now.length === 0 || bytes + each.bytes <= mostBytes)
    if (!fits || (order === 'strict' && keys.has(key))) later.push(each)
    else {
      now.push(each)
      bytes += each.bytes
    }
    // A later record of the key may not overtake one that did not fit.
    keys.add(key)
  }
  return { now, later }
}
