/**
 * `write: insert` by a key: an item is written if there is none, or if it is of the same record, so a repeated write
 * finds its own. The records of a key follow one another; only the first can succeed.
 */
import type { WriteFailure } from '@millrace/core'
import { recordField } from '@millrace/client-dynamodb'
import type { Tables } from '@millrace/client-dynamodb/driver'
import { atOnce, patiently } from './calls.ts'
import type { Change } from './changes.ts'
import { isTaken, refusedRecord, unlessThrottled } from './outcome.ts'

/** Calls under way at the same time. */
const parallel = 16

export async function insertAll(
  changes: readonly Change[],
  table: string,
  tables: Pick<Tables, 'put'>,
  signal: AbortSignal,
  failures: WriteFailure[],
): Promise<void> {
  await atOnce(changes, parallel, async ({ key, id, indexes, attributes }) => {
    const [anyKey] = Object.keys(key)
    for (const [at, index] of indexes.entries()) await unlessThrottled([index], failures, () => insert(at, index))

    async function insert(at: number, index: number): Promise<void> {
      const item = { ...Object.fromEntries(attributes[at]!), ...key }
      const input = {
        Item: item,
        ConditionExpression: 'attribute_not_exists(#k) OR #r = :r',
        ExpressionAttributeNames: { '#k': anyKey!, '#r': recordField },
        ExpressionAttributeValues: { ':r': item[recordField]! },
      }
      await isTaken(
        () => patiently(() => tables.put(table, input), signal),
        (error) => {
          const exists = error.reason === 'ConditionalCheckFailedException'
          const message = `a document with the key ${id} already exists, from another record`
          failures.push(exists ? { index, kind: 'data', code: 'key_exists', message } : refusedRecord(index, error))
        },
      )
    }
  })
}
