/**
 * `aggregate`: one result per group. Results come when the input has ended, so it needs a bounded run.
 *
 * Its memory is a state per group; a save writes the groups that changed since the last one. A result is identified by
 * the values of its group. A group whose result cannot be represented (a sum that does not fit) fails as a result,
 * under that key.
 */
import {
  type Aggregation,
  compileAggregates,
  DataError,
  defineTransform,
  type Field,
  isKeyType,
  type Json,
  type MemoryChange,
  MillraceError,
  option,
  type Problem,
  type RecordType,
  type Row,
  typeText,
} from '@millrace/core'
import { lookUp, nameTaken, recordOf, typesOf } from '../fields.ts'
import { splitReader } from '../splits.ts'
import { createGroups, type Group } from './groups.ts'
import { placeReader } from './places.ts'

const options = option.object({
  by: option.list(option.field('A field.'), 'The fields to group by; without any, all records form one group.', {
    default: [],
    example: ['country'],
  }),
  outputs: option.map(
    option.expression('An aggregate, or an expression over aggregates.'),
    'The aggregates of a group, by name.',
    {
      example: { lines: 'count()', quantity: 'sum(Quantity)' } as never,
    },
  ),
  max_groups: option.integer(
    'More groups than this stop the run, with nothing lost: raise the limit and run again to continue.',
    {
      default: 5_000_000,
      min: 1,
      tuning: true,
    },
  ),
})

const none = new Int32Array(0)

/** Results are emitted in pieces of this many. */
const piece = 1000

export const aggregate = defineTransform({
  kind: 'transform',
  type: 'aggregate',
  summary: 'Aggregates groups of records: one result per group at the end of the input.',
  stateful: true,
  needsEnd: true,
  counts: true,
  options,

  keyedBy: ({ by }) => (by.length > 0 ? by : undefined),

  memory({ by, outputs }, { input, id, partitionedBy }) {
    const { aggregates, fields } = compiledFor(outputs, input, id)
    return {
      by: typesOf(input, by),
      aggregates,
      fields: typesOf(input, fields.toSorted()),
      bySplit: partitionedBy !== undefined,
    }
  },

  infer({ by, outputs }, { input }) {
    const problems: Problem[] = []
    const fields: [string, Field][] = []
    for (const [i, name] of by.entries()) {
      const field = lookUp(input, name, ['by', i], problems)
      if (by.indexOf(name) !== i) problems.push(nameTaken(name, ['by', i]))
      if (!field) continue
      if (isKeyType(field.type)) fields.push([name, field])
      else
        problems.push({
          code: 'wrong_type',
          message: `records cannot be grouped by \`${name}\``,
          at: ['by', i],
          expected: 'a single value',
          got: typeText(field.type),
        })
    }
    for (const name of Object.keys(outputs))
      if (by.includes(name)) problems.push(nameTaken(name, ['outputs', name], true))
    const compiled = compileAggregates(outputs, input)
    if (!compiled.ok)
      return {
        problems: [
          ...problems,
          ...compiled.problems.map(({ output, ...problem }) => ({ ...problem, at: ['outputs', output] })),
        ],
      }
    // A result is not an input record, so no field is unchanged.
    return { output: recordOf([...fields, ...Object.entries(compiled.type.fields)]), problems, unchanged: {} }
  },

  create({ by, outputs, max_groups }, { input, id, partitionedBy }) {
    const compiled = compiledFor(outputs, input, id)
    const groups = createGroups(input, by)
    let changed: Group[] = []
    const touch = (group: Group) => {
      if (group.changed) return
      group.changed = true
      changed.push(group)
    }
    const resultOf = (group: Group): Row => {
      const row: Row = {}
      for (const [d, name] of by.entries()) row[name] = group.values[d]
      return Object.assign(row, compiled.result(group.state))
    }
    return {
      apply(records, out) {
        const { rows } = records
        const splitOf = partitionedBy && splitReader(records)
        const placeOf = compiled.ordered ? placeReader(records) : undefined
        let held = 0
        for (let i = 0; i < rows.length; i++) {
          const row = rows[i]!
          const known = groups.of(row)
          const state = known ? known.state : compiled.start()
          try {
            if (placeOf) {
              const { time, split, position } = placeOf(i)
              compiled.add(state, row, time, split, position)
            } else compiled.add(state, row)
          } catch (error) {
            if (!(error instanceof DataError)) throw error
            out.fail(i, error.code, { message: error.message, field: error.field })
            continue
          }
          held++
          const group = known ?? groups.add(row, state)
          if (splitOf) group.split = splitOf(i)
          touch(group)
        }
        if (groups.size > max_groups) {
          throw new MillraceError(
            'memory_cap',
            `${id} has ${groups.size} groups, more than max_groups (${max_groups})`,
            {
              place: id,
              hint: 'raise `max_groups` and run again: it resumes from the last save',
            },
          )
        }
        return { rows: [], origins: none, held }
      },
      advance({ end }, out) {
        if (!end) return true
        let n = 0
        for (const group of groups.all()) {
          if (n++ === piece) return false
          const at = { key: JSON.parse(group.saved) as Json[] }
          try {
            out.result(resultOf(group), at)
          } catch (error) {
            if (!(error instanceof DataError)) throw error
            out.failResult(Object.fromEntries(by.map((name, d) => [name, group.values[d]])), at, error.code, {
              message: error.message,
              field: error.field,
            })
          }
          group.gone = true
          touch(group)
          groups.forget(group)
        }
        return true
      },
      takeChanges() {
        const entries = changed.map((group): MemoryChange => {
          group.changed = false
          const value = group.gone ? null : compiled.encode(group.state)
          return group.split === undefined ? [group.saved, value] : [group.saved, value, group.split]
        })
        changed = []
        return entries
      },
      changeCount: () => changed.length,
      restore(memory) {
        for (const [saved, text, split] of memory.entries()) groups.restore(saved, compiled.decode(text), split)
      },
    }
  },
})

/** The aggregates of a config that `infer` has accepted. */
function compiledFor(outputs: Readonly<Record<string, string>>, input: RecordType, id: string): Aggregation {
  const compiled = compileAggregates(outputs, input)
  if (!compiled.ok) throw new TypeError(`${id}: ${compiled.problems[0]!.message}`)
  return compiled
}
