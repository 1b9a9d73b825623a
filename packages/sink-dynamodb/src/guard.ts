/**
 * `guard`: a record is only written over an item whose guard field has a smaller value, so that records of several
 * pipelines, or of a stream without an order of keys, cannot overwrite newer ones. The service compares, in the write
 * itself: a repeated write, or two writers at once, end in the same item.
 *
 * Of the records of a key in a batch, those above all before them are candidates. With `nulls: write` each replaces all
 * that the ones before it set, so the last one is enough; with `set` and `nulls: omit` each is merged. An item that was
 * stored without the field, with null, or with a value of another type gives way to any record.
 */
import { fieldOf, orderOf, type Problem, type Records, type RecordType, type WriteFailure } from '@millrace/core'
import { keyFields } from '@millrace/kinds'
import { type Item, keyType, type Stored } from '@millrace/client-dynamodb'
import type { RefusedRequest, Tables } from '@millrace/client-dynamodb/driver'
import { atOnce, patiently } from './calls.ts'
import type { Change } from './changes.ts'
import type { Options } from './options.ts'
import { isTaken, refusedRecord, unlessThrottled } from './outcome.ts'
import { updatesOf } from './updates.ts'

/** Calls under way at the same time. */
const parallel = 16

/** Problems of `guard` with the other options. */
export function guardProblems(o: Options): Problem[] {
  const field = o.guard?.field
  if (field === undefined) return []
  const problem = (message: string, hint: string) => ({ code: 'bad_value', message, at: ['guard'], hint })
  if (o.write === 'insert' || o.write === 'delete')
    return [problem(`\`guard\` has no effect with \`write: ${o.write}\``, 'write: upsert, or set')]
  if (o.attribute) return [problem('`guard` is for whole documents, not for single attributes', 'remove `attribute`')]
  if (keyFields(o)?.includes(field))
    return [problem(`\`${field}\` is part of the key, so it is equal in all records of a document`, 'another field')]
  if (o.fields && !o.fields.includes(field))
    return [problem(`\`fields\` leaves out the guard \`${field}\`, so it would not be stored`, `add it to \`fields\``)]
  return []
}

/** Problems of `guard` with the type of the records. */
export function guardFieldProblems({ guard }: Options, input: RecordType): Problem[] {
  if (!guard) return []
  const at = ['guard', 'field']
  const field = fieldOf(input, guard.field)
  if (!field) return [{ code: 'unknown_field', message: `the records have no field \`${guard.field}\``, at }]
  const stored = keyType(field.type)
  if (stored !== undefined && stored !== 'B' && orderOf(field.type)) return []
  const message = `\`${guard.field}\` cannot be a guard: its values have no order in DynamoDB`
  return [{ code: 'bad_value', message, at, hint: 'a number, text, a date or a time' }]
}

/** A request that is made only if the stored guard is smaller. */
interface Guarded {
  readonly ConditionExpression: string
  readonly ExpressionAttributeNames: Record<string, string>
  readonly ExpressionAttributeValues: Item
}

function conditionOn(field: string, value: Stored): Guarded {
  const type = value.N === undefined ? 'S' : 'N'
  return {
    ConditionExpression: 'attribute_not_exists(#guard) OR #guard < :guard OR NOT attribute_type(#guard, :type)',
    ExpressionAttributeNames: { '#guard': field },
    ExpressionAttributeValues: { ':guard': value, ':type': { S: type } },
  }
}

/** Writes the changes of a batch. Returns how many records were not written since the stored ones are not older. */
export async function guardAll(
  changes: readonly Change[],
  records: Records,
  o: Options,
  schema: RecordType,
  table: string,
  tables: Pick<Tables, 'put' | 'update'>,
  signal: AbortSignal,
  failures: WriteFailure[],
): Promise<number> {
  const field = o.guard!.field
  const order = orderOf(fieldOf(schema, field)!.type)!
  const indexed = new Set((o.indexes ?? []).flat())
  const isWhole = o.write !== 'set' || o.nulls === 'write'
  let older = 0

  /** The places of a change's records that are above all before them. */
  const candidatesOf = ({ indexes }: Change): number[] => {
    const found: number[] = []
    let highest: unknown = null
    for (const [at, index] of indexes.entries()) {
      const value = records.rows[index]![field] ?? null
      if (value === null)
        failures.push({ index, kind: 'data', code: 'missing_value', message: `${field} is null`, field })
      else if (highest !== null && order(value, highest) <= 0) older++
      else {
        found.push(at)
        highest = value
      }
    }
    return found
  }

  const write = async (change: Change, at: number): Promise<void> => {
    const { key } = change
    const rest = change.attributes[at]!.filter(([name]) => name !== field)
    const guard = change.attributes[at]!.find(([name]) => name === field)!
    const condition = conditionOn(field, guard[1])
    if (o.write !== 'set') {
      const Item = { ...Object.fromEntries([...rest, guard]), ...key }
      return patiently(() => tables.put(table, { Item, ...condition }), signal)
    }
    // The guard is set by the last update, so a write that was cut off in between is made again.
    const updates = updatesOf([...rest, guard], indexed)
    const removesFirst = updates.toSorted((a, b) => Number(isSet(a)) - Number(isSet(b)))
    for (const { UpdateExpression, ExpressionAttributeNames, ExpressionAttributeValues } of removesFirst) {
      const names = { ...ExpressionAttributeNames, ...condition.ExpressionAttributeNames }
      const values = { ...ExpressionAttributeValues, ...condition.ExpressionAttributeValues }
      const update = { ...condition, ExpressionAttributeNames: names, ExpressionAttributeValues: values }
      await patiently(() => tables.update(table, { Key: key, UpdateExpression, ...update }), signal)
    }
  }

  await atOnce(changes, parallel, async (change) => {
    // Whole items from the last one back, until one is taken; merged ones each, in their order.
    const candidates = candidatesOf(change)
    const left = isWhole ? candidates.toReversed() : candidates
    const waiting = left.map((at) => change.indexes[at]!)
    await unlessThrottled(waiting, failures, async () => {
      for (const [k, at] of left.entries()) {
        let refusal: RefusedRequest | undefined
        await isTaken(
          () => write(change, at),
          (error) => (refusal = error),
        )
        waiting.shift()
        const isOlder = refusal?.reason === 'ConditionalCheckFailedException'
        if (refusal && !isOlder) failures.push(refusedRecord(change.indexes[at]!, refusal))
        else if (isOlder) older += isWhole ? left.length - k : 1
        if (isWhole && (!refusal || isOlder)) return
      }
    })
  })
  return older
}

const isSet = ({ UpdateExpression }: { readonly UpdateExpression?: string }): boolean =>
  UpdateExpression?.startsWith('SET') === true
