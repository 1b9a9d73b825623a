/**
 * `write: set`: the fields of all records of a key in as few updates as the limits of an expression allow. Each only
 * sets its attributes, so a repeated one changes nothing. If the service refuses one, the records of the key are merged
 * one by one, to find out which of them it is.
 */
import type { WriteFailure } from '@millrace/core'
import type { Item, Stored } from '@millrace/client-dynamodb'
import type { Tables } from '@millrace/client-dynamodb/driver'
import { atOnce, patiently } from './calls.ts'
import type { Change } from './changes.ts'
import { isTaken, refusedRecord, unlessThrottled } from './outcome.ts'

/** Limits of one expression: DynamoDB's developer guide, "Constraints". */
const mostExpressionBytes = 4096
const mostOperators = 300
/** Calls under way at the same time. */
const parallel = 16

/** An update of one item. */
export interface Update {
  readonly UpdateExpression?: string
  readonly ExpressionAttributeNames?: Record<string, string>
  readonly ExpressionAttributeValues?: Item
}

export async function updateAll(
  changes: readonly Change[],
  indexed: ReadonlySet<string>,
  table: string,
  tables: Pick<Tables, 'update'>,
  signal: AbortSignal,
  failures: WriteFailure[],
): Promise<void> {
  const merge = async (key: Item, attributes: readonly (readonly [string, Stored])[]) => {
    for (const update of updatesOf(attributes, indexed))
      await patiently(() => tables.update(table, { Key: key, ...update }), signal)
  }
  await atOnce(changes, parallel, ({ key, indexes, attributes }) =>
    unlessThrottled(indexes, failures, async () => {
      if (await isTaken(() => merge(key, attributes.flat()))) return
      for (const [at, index] of indexes.entries())
        await isTaken(
          () => merge(key, attributes[at]!),
          (error) => failures.push(refusedRecord(index, error)),
        )
    }),
  )
}

/** Sets attributes, later ones winning. One that an index is for cannot be null, so it is removed then. */
export function updatesOf(
  attributes: readonly (readonly [name: string, value: Stored])[],
  indexed: ReadonlySet<string>,
): Update[] {
  const all = [...new Map(attributes)]
  const isNull = ([name, value]: readonly [string, Stored]) => value.NULL === true && indexed.has(name)
  const sets = all.filter((each) => !isNull(each))
  const made: Update[] = []
  let at = 0
  do {
    const names: Record<string, string> = {}
    const values: Item = {}
    let clauses = ''
    const first = at
    for (; at < sets.length && at - first < mostOperators; at++) {
      const short = (at - first).toString(36)
      const clause = `${at === first ? 'SET ' : ','}#${short}=:${short}`
      if (clauses.length + clause.length > mostExpressionBytes) break
      clauses += clause
      names[`#${short}`] = sets[at]![0]
      values[`:${short}`] = sets[at]![1]
    }
    if (clauses)
      made.push({ UpdateExpression: clauses, ExpressionAttributeNames: names, ExpressionAttributeValues: values })
  } while (at < sets.length)
  const removed = all.filter(isNull)
  if (removed.length > 0)
    made.push({
      UpdateExpression: `REMOVE ${removed.map((_, k) => `#${k}`).join(',')}`,
      ExpressionAttributeNames: Object.fromEntries(removed.map(([name], k) => [`#${k}`, name])),
    })
  // Without attributes, the update makes the item of the key.
  return made.length > 0 ? made : [{}]
}
