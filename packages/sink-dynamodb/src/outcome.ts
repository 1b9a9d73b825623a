/** What a refusal of the service means for a record. */
import { SystemError, type WriteFailure } from '@millrace/core'
import { RefusedRequest } from '@millrace/client-dynamodb/driver'

/** The failure of a record whose item the service does not take. */
export function refusedRecord(index: number, error: RefusedRequest): WriteFailure {
  const large = /item size|size of the item/i.test(error.message)
  return large
    ? {
        index,
        kind: 'data',
        code: 'too_large',
        message: 'as an item it has more than 400 KB, which DynamoDB does not take',
      }
    : { index, kind: 'data', code: 'refused', message: `DynamoDB refuses the record: ${error.message}` }
}

/** Runs a request; false, after `refused` was told, if the service refuses what is in it. */
export async function isTaken(
  request: () => Promise<unknown>,
  refused: (error: RefusedRequest) => unknown = () => {},
): Promise<boolean> {
  try {
    await request()
    return true
  } catch (error) {
    if (!(error instanceof RefusedRequest)) throw error
    refused(error)
    return false
  }
}

/** Runs work for records; if it is throttled to its end, they are left to the engine and the others go on. */
export async function unlessThrottled(
  indexes: readonly number[],
  failures: WriteFailure[],
  work: () => Promise<unknown>,
): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof SystemError) || error.code !== 'throttled') throw error
    failures.push(...indexes.map((index) => throttledRecord(index)))
  }
}

/** The failure of a record that may be written later. */
export const throttledRecord = (index: number): WriteFailure => ({
  index,
  kind: 'system',
  code: 'throttled',
  message: 'DynamoDB asks for fewer requests: raise the capacity of the table',
})
