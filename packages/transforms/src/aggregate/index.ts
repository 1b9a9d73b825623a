/**
 * `aggregate`: one result per group, or per group and window of event time. Without a window, results come when the
 * input has ended, or whenever they have changed (`emit`).
 *
 * Its memory is a state per group and window; a save writes those that changed since the last one, and a restart reads
 * those of windows when they are needed (saved-groups.ts). A result is identified by the values of its group and the
 * start of its window. One that cannot be represented (a sum that does not fit) fails as a result, under that key.
 *
 * Decision: docs/decisions/20261202-windows-by-lane.md
 */
import {
  type Aggregation,
  compileAggregates,
  defineTransform,
  type Field,
  isKeyType,
  type Problem,
  type RecordType,
  typeText,
} from '@millrace/core'
import { lookUp, nameTaken, recordOf, typesOf } from '../fields.ts'
import { canUpdate, options, problemsOf, windowFields } from './options.ts'
import { windowTypes } from './output.ts'
import { createSessions } from './sessions.ts'
import { createSliding } from './sliding.ts'
import { createTumbling } from './tumbling.ts'
import { createWhole } from './whole.ts'

export const aggregate = defineTransform({
  kind: 'transform',
  type: 'aggregate',
  summary: 'Aggregates groups of records: one result per group, per window of event time or at the end of the input.',
  stateful: true,
  needsEnd: ({ window, emit }) => !window && !emit,
  counts: true,
  options,
  check: problemsOf,

  keyedBy: ({ by }) => (by.length > 0 ? by : undefined),

  needsTime: ({ window }) => window && (window.late === undefined ? 'arrival' : 'any'),

  updates: (o) => (canUpdate(o) ? [...o.by, ...(o.window ? windowFields(o.window) : [])] : undefined),

  // Lanes that become idle or end close windows for others; arrival is a matter of the clock, as is forgetting.
  ordered: ({ window, forget_after: forgetAfter }, times) =>
    forgetAfter !== undefined ||
    (window !== undefined &&
      Object.values(times).some((time) => time.arrival || time.ends || time.idleAfterMs !== undefined)),

  memory({ by, outputs, window }, { input, id, partitionedBy }) {
    const { aggregates, fields } = compiledFor(outputs, input, id)
    const { tumbling, sliding, slide, session, zone, offset } = window ?? {}
    return {
      by: typesOf(input, by),
      aggregates,
      fields: typesOf(input, fields.toSorted()),
      bySplit: partitionedBy !== undefined,
      window: window ? JSON.parse(JSON.stringify({ tumbling, sliding, slide, session, zone, offset })) : null,
    }
  },

  infer({ by, outputs, window }, { input }) {
    const problems: Problem[] = []
    const fields: [string, Field][] = []
    const inWindow = window ? windowTypes(window) : []
    for (const [i, name] of by.entries()) {
      const field = lookUp(input, name, ['by', i], problems)
      if (by.indexOf(name) !== i || inWindow.some(([own]) => own === name)) problems.push(nameTaken(name, ['by', i]))
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
      if (by.includes(name) || inWindow.some(([own]) => own === name))
        problems.push(nameTaken(name, ['outputs', name], true))
    const late = window?.late
    const sideOutputs = late === undefined || late === 'drop' ? {} : { sideOutputs: { [late]: input } }
    const compiled = compileAggregates(outputs, input)
    if (!compiled.ok)
      return {
        ...sideOutputs,
        problems: [
          ...problems,
          ...compiled.problems.map(({ output, ...problem }) => ({ ...problem, at: ['outputs', output] })),
        ],
      }
    // A result is not an input record, so no field is unchanged.
    return {
      output: recordOf([...fields, ...inWindow, ...Object.entries(compiled.type.fields)]),
      ...sideOutputs,
      problems,
      unchanged: {},
      // Late records are passed on whole.
      ...('sideOutputs' in sideOutputs ? {} : { reads: [...by, ...compiled.fields] }),
    }
  },

  create(o, ctx) {
    const compiled = compiledFor(o.outputs, ctx.input, ctx.id)
    const { window } = o
    if (!window) return createWhole(o, ctx, compiled)
    const make =
      window.session !== undefined ? createSessions : window.sliding !== undefined ? createSliding : createTumbling
    return make({ ...o, window }, ctx, compiled)
  },
})

/** The aggregates of a config that `infer` has accepted. */
function compiledFor(outputs: Readonly<Record<string, string>>, input: RecordType, id: string): Aggregation {
  const compiled = compileAggregates(outputs, input)
  if (!compiled.ok) throw new TypeError(`${id}: ${compiled.problems[0]!.message}`)
  return compiled
}
