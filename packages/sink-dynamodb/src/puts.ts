/**
 * Whole items, 25 in a call. The last record of a key is what stays of it, so only that one is written; if the service
 * refuses it, the one before it is tried. A call with an item that the service does not take fails whole, so it is
 * halved until the faulty one is alone. What a call leaves unprocessed is sent again, alone.
 */
import type { WriteFailure } from '@millrace/core'
import { type Item, sizeOf } from '@millrace/client-dynamodb'
import { RefusedRequest, type Tables, type WriteRequest } from '@millrace/client-dynamodb/driver'
import { atOnce, backOff, fruitless, patiently } from './calls.ts'
import type { Change } from './changes.ts'
import { refusedRecord, throttledRecord, unlessThrottled } from './outcome.ts'

/** Limits of one call: API reference of DynamoDB, BatchWriteItem. Bytes in JSON can be half as many again. */
const mostRequests = 25
const mostBytes = 8 * 1024 * 1024
/** Calls under way at the same time. */
const parallel = 8

/** One item to write or delete, of the record at this place of its change. */
interface Put {
  readonly change: Change
  readonly at: number
  readonly request: WriteRequest
  readonly bytes: number
}

function putOf(change: Change, at: number, remove: boolean): Put {
  const { key } = change
  if (remove) return { change, at, request: { DeleteRequest: { Key: key } }, bytes: sizeOf(key) }
  const Item: Item = { ...Object.fromEntries(change.attributes[at]!), ...key }
  return { change, at, request: { PutRequest: { Item } }, bytes: sizeOf(Item) }
}

/** The records that items stand for. */
const recordsOf = (puts: readonly Put[]) => puts.flatMap(({ change, at }) => change.indexes.slice(0, at + 1))

export async function putAll(
  changes: readonly Change[],
  remove: boolean,
  table: string,
  tables: Pick<Tables, 'batch'>,
  signal: AbortSignal,
  failures: WriteFailure[],
): Promise<void> {
  const puts = changes.map((change) => putOf(change, change.indexes.length - 1, remove))
  await atOnce(callsOf(puts), parallel, (call) => write(call))

  async function write(call: readonly Put[]): Promise<void> {
    let waiting = call
    let failed = 0
    while (waiting.length > 0) {
      let left: readonly WriteRequest[]
      try {
        left = await patiently(
          () =>
            tables.batch(
              table,
              waiting.map(({ request }) => request),
            ),
          signal,
        )
      } catch (error) {
        if (!(error instanceof RefusedRequest))
          return unlessThrottled(recordsOf(waiting), failures, () => Promise.reject(error))
        if (waiting.length > 1) {
          const middle = waiting.length >> 1
          await write(waiting.slice(0, middle))
          return write(waiting.slice(middle))
        }
        const { change, at } = waiting[0]!
        failures.push(refusedRecord(change.indexes[at]!, error))
        if (at === 0) return
        waiting = [putOf(change, at - 1, remove)]
        continue
      }
      failed = left.length === waiting.length ? failed + 1 : 0
      waiting = unprocessed(waiting, left)
      if (waiting.length === 0) return
      if (failed >= fruitless) {
        failures.push(...recordsOf(waiting).map(throttledRecord))
        return
      }
      await backOff(failed, signal)
    }
  }
}

/** The items of a call that the answer names; all of them if it names one that cannot be found. */
function unprocessed(call: readonly Put[], left: readonly WriteRequest[]): readonly Put[] {
  if (left.length === 0 || left.length === call.length) return left.length === 0 ? [] : call
  const textOf = (request: WriteRequest, key: Item): string => {
    const item = request.PutRequest?.Item ?? request.DeleteRequest?.Key ?? {}
    return JSON.stringify(Object.keys(key).map((name) => item[name]))
  }
  const names = call[0]!.change.key
  const told = new Set(left.map((request) => textOf(request, names)))
  const found = call.filter(({ request }) => told.has(textOf(request, names)))
  return found.length === left.length ? found : call
}

/** Pieces of a batch that fit in a call. */
function callsOf(puts: readonly Put[]): Put[][] {
  const calls: Put[][] = []
  let bytes = 0
  for (const put of puts) {
    const last = calls.at(-1)
    if (last && last.length < mostRequests && bytes + put.bytes <= mostBytes) {
      last.push(put)
      bytes += put.bytes
    } else {
      calls.push([put])
      bytes = put.bytes
    }
  }
  return calls
}
