/** Groups of rows with equal values, counted as the step `aggregate` counts. */
import { setOwn, toJson } from '../convert/index.ts'
import { DataError, MillraceError } from '../errors/index.ts'
import type { AggregateState } from '../expression/index.ts'
import type { Row } from '../record/index.ts'
import { fieldOf } from '../schema/index.ts'
import type { Grouped } from './query.ts'

/** Groups in memory at most. */
const maxGroups = 1_000_000

/** Collects groups. `add` throws `DataError` for a row that lacks what the aggregates read. */
export function collectGroups({ by, aggregation, input }: Grouped): { add(row: Row): void; rows(): Row[] } {
  const states = new Map<string, { readonly first: Row; readonly state: AggregateState }>()
  let added = 0
  const keys = by.map((name) => ({ name, json: toJson(fieldOf(input, name)!.type) }))
  const required = [...new Set([...by, ...aggregation.fields])].filter((name) => !fieldOf(input, name)?.optional)
  return {
    add(row) {
      const missing = required.find((name) => row[name] === null || row[name] === undefined)
      if (missing !== undefined)
        throw new DataError(
          'missing_value',
          'a document lacks this field, which its spec declares as required',
          missing,
        )
      const key = JSON.stringify(keys.map(({ name, json }) => json(row[name])))
      let group = states.get(key)
      if (!group) {
        if (states.size >= maxGroups)
          throw new MillraceError('query_too_large', `This query makes more than ${maxGroups} groups.`, {
            hint: 'group by fewer fields',
          })
        states.set(key, (group = { first: row, state: aggregation.start() }))
      }
      aggregation.add(group.state, row, 0, '', added++)
    },
    rows: () =>
      [...states.values()].map(({ first, state }) => {
        const made: Row = {}
        for (const { name } of keys) setOwn(made, name, first[name] ?? null)
        return aggregation.result(state, made)
      }),
  }
}
