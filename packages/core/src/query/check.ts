/** Checks a query against the type of its collection, clause by clause in the order in which they run. */
import { isKeyType } from '../convert/index.ts'
import type { Problem } from '../errors/index.ts'
import {
  compileAggregates,
  compileExpression,
  type Expression,
  type ExpressionProblem,
  orderOf,
} from '../expression/index.ts'
import type { Row } from '../record/index.ts'
import { fieldOf, type Field, type RecordType, typeText } from '../schema/index.ts'
import { suggest } from '../spec/suggest.ts'
import { plainRange } from './clauses.ts'
import type { CheckedQuery, Condition, Grouped, InputType, QueryText, Unfolding } from './query.ts'

/** The name by which expressions read inputs. */
const inputsName = 'inputs'

/** What a query is checked against. */
export interface QueryContext {
  /** The type of the documents of its collection. */
  readonly documents: RecordType
  readonly unfolding?: Unfolding | undefined
  readonly inputs?: Readonly<Record<string, InputType>> | undefined
}

type ClausePath = readonly (string | number)[]

/** Checks a query. Never throws, whatever the text. */
export function checkQuery(text: QueryText, { documents, unfolding, inputs = {} }: QueryContext): CheckedQuery {
  const problems: Problem[] = []
  const needs = new Set<string>()
  const reads = new Set<string>()
  const add = (at: ClausePath, code: string, message: string, more: Partial<Problem> = {}) =>
    problems.push({ code, message, at, ...more })
  const report = (at: ClausePath, found: readonly ExpressionProblem[], expression = '') => {
    for (const { code, message, span, ...more } of found) {
      const name = expression.slice(...span)
      if (code === 'unknown_field' && (name === inputsName || expression.slice(0, span[0]).endsWith(`${inputsName}.`)))
        add(at, 'unknown_input', name === inputsName ? 'there are no inputs' : `there is no input \`${name}\``, {
          span,
          hint: suggest(name, Object.keys(inputs)),
        })
      else add(at, code, message, { span, ...more })
    }
  }
  /** `isSure`: a condition is left out while an optional input that it reads is empty. */
  const withInputs = (record: RecordType, isSure: boolean): RecordType => {
    const fields = Object.entries(inputs).flatMap(([name, type]): [string, Field][] =>
      type === 'time_range' ? [] : [[name, { type: type.type, optional: type.optional && !isSure }]],
    )
    if (fields.length === 0) return record
    const type = { kind: 'object', record: { fields: Object.fromEntries(fields) } } as const
    return { ...record, fields: { ...record.fields, [inputsName]: { type, optional: false } } }
  }
  const unknownField = (at: ClausePath, name: string, record: RecordType, more: Partial<Problem> = {}) =>
    add(at, 'unknown_field', `there is no field \`${name}\``, {
      hint: suggest(name, Object.keys(record.fields)),
      ...more,
    })
  const noteInputs = (compiled: Expression, isWhere: boolean) => {
    for (const name of compiled.members(inputsName)) {
      reads.add(name)
      const type = inputs[name]
      if (type !== 'time_range' && !(isWhere && type?.optional) && !type?.optional) needs.add(name)
    }
  }

  if (text.unfold && !unfolding)
    add(['unfold'], 'bad_value', 'only a collection that is written with `attribute` can be unfolded', {
      hint: 'remove `unfold`',
    })
  const input = text.unfold && unfolding ? unfolding.rows : documents

  for (const [name, range] of Object.entries(text.within ?? {})) {
    const field = fieldOf(input, name)
    if (!field) unknownField(['within', name], name, input, { key: true })
    else if (field.type.kind !== 'timestamp')
      add(['within', name], 'wrong_type', `${name} is ${typeText(field.type)}, not a timestamp`, {
        expected: 'timestamp',
        got: typeText(field.type),
        key: true,
      })
    if (Object.hasOwn(inputs, range)) {
      reads.add(range)
      const type = inputs[range]!
      if (type !== 'time_range')
        add(['within', name], 'wrong_type', `the input ${range} is ${typeText(type.type)}, not a time_range`, {
          expected: 'time_range',
          got: typeText(type.type),
        })
      else needs.add(range)
    } else if (!plainRange(range))
      add(['within', name], 'unknown_input', `\`${range}\` is neither an input nor a range of time`, {
        hint:
          suggest(
            range,
            Object.keys(inputs).filter((each) => inputs[each] === 'time_range'),
          ) ?? 'write a range as 24h or 2026-01-01/2026-02-01',
      })
  }

  const list = text.where === undefined ? [] : typeof text.where === 'string' ? [text.where] : text.where
  const conditions = list.flatMap((condition, i): Expression[] => {
    const at = typeof text.where === 'string' ? ['where'] : ['where', i]
    const compiled = compileExpression(condition, withInputs(input, true))
    if (!compiled.ok) {
      report(at, compiled.problems, condition)
      return []
    }
    if (compiled.type.kind !== 'boolean')
      add(at, 'wrong_type', `a condition is boolean, not ${typeText(compiled.type)}`, {
        expected: 'boolean',
        got: typeText(compiled.type),
      })
    noteInputs(compiled, true)
    return [compiled]
  })

  let record = input
  const set = Object.entries(text.set ?? {}).flatMap(([name, expression]) => {
    const compiled = compileExpression(expression, withInputs(record, false))
    if (!compiled.ok) {
      report(['set', name], compiled.problems, expression)
      return []
    }
    noteInputs(compiled, false)
    return [{ name, compiled }]
  })
  const isSet = set.length === Object.keys(text.set ?? {}).length
  const made = set.map(({ name, compiled: { type, optional } }) => [name, { type, optional }] as const)
  record = { ...record, fields: { ...record.fields, ...Object.fromEntries(made) } }

  let grouped: Grouped | undefined
  let output: RecordType | undefined = record
  if (text.group !== undefined || text.outputs !== undefined) {
    const by = text.group ?? []
    output = undefined
    const isRight = by.filter((name, i) => {
      const field = fieldOf(record, name)
      // A field that could not be set has its own finding.
      if (!field && (isSet || !Object.hasOwn(text.set ?? {}, name))) unknownField(['group', i], name, record)
      else if (field && !isKeyType(field.type))
        add(['group', i], 'wrong_type', `${name} is ${typeText(field.type)}: it cannot be grouped by`)
      return field !== undefined
    })
    const aggregation = compileAggregates(text.outputs ?? { count: 'count()' }, record)
    if (!aggregation.ok) for (const problem of aggregation.problems) report(['outputs', problem.output], [problem])
    else if (isRight.length === by.length) {
      const twice = by.find((name) => Object.hasOwn(aggregation.type.fields, name))
      if (twice !== undefined)
        add(['outputs', twice], 'duplicate_key', `${twice} is a field of the group already`, { key: true })
      const keys = by.map((name) => [name, fieldOf(record, name)!] as const)
      output = { fields: { ...Object.fromEntries(keys), ...aggregation.type.fields } }
      grouped = { by, aggregation, input: record }
    }
  }

  const sort = (text.sort ?? []).map((name) => ({ field: name.replace(/^-/, ''), descending: name.startsWith('-') }))
  for (const [i, { field: name }] of sort.entries()) {
    const field = output && fieldOf(output, name)
    if (output && !field) unknownField(['sort', i], name, output)
    else if (field && !orderOf(field.type))
      add(['sort', i], 'wrong_type', `values of ${name} have no order: it is ${typeText(field.type)}`)
  }

  const fields = new Set([
    ...Object.keys(text.within ?? {}),
    ...[...conditions, ...set.map(({ compiled }) => compiled)].flatMap(({ fields: read }) => read),
    ...(grouped ? [...grouped.by, ...grouped.aggregation.fields] : []),
    ...sort.map(({ field }) => field),
  ])
  fields.delete(inputsName)
  return {
    problems,
    ...(output && isSet ? { output } : {}),
    needs,
    reads,
    looksUp: (empty = new Set()) =>
      conditions
        .filter((each) => [...each.members(inputsName)].every((name) => !empty.has(name)))
        .flatMap((each) => each.given(inputsName, placeholders(inputs)).comparisons())
        .flatMap(({ field, is }) => (is === '==' ? [field] : [])),
    bind(values, nowMs) {
      const isGiven = (each: Expression) =>
        [...each.members(inputsName)].every((name) => values[name] !== null && values[name] !== undefined)
      const given = values as Row
      return {
        text,
        documents,
        input,
        output: output!,
        unfolding: text.unfold ? unfolding : undefined,
        conditions: [
          ...Object.entries(text.within ?? {}).map(([name, range]) => withinCondition(name, range, values, nowMs)),
          ...conditions.filter(isGiven).map((each) => conditionOf(each.given(inputsName, given), input)),
        ],
        set: set.map(({ name, compiled }) => ({ name, evaluate: compiled.given(inputsName, given).evaluate })),
        grouped,
        sort,
        fields: [...fields],
      }
    },
  }
}

/** Some value for each input, since what a condition compares does not depend on it. */
const placeholders = (inputs: Readonly<Record<string, InputType>>): Row =>
  Object.fromEntries(
    Object.entries(inputs).map(([name, type]) => [
      name,
      type === 'time_range' ? null : ['integer', 'number', 'timestamp'].includes(type.type.kind) ? 0 : '0',
    ]),
  )

function withinCondition(
  field: string,
  range: string,
  values: Readonly<Record<string, unknown>>,
  nowMs: number,
): Condition {
  const { fromMs, toMs } = (values[range] ?? plainRange(range, nowMs)!) as { fromMs: number; toMs: number }
  return {
    comparisons: [
      { field, is: '>=', value: fromMs },
      { field, is: '<', value: toMs },
    ],
    test: (row) => typeof row[field] === 'number' && row[field] >= fromMs && row[field] < toMs,
  }
}

/** Documents may lack a field that the spec declares as required: such a document does not match. */
function conditionOf(compiled: Expression, input: RecordType): Condition {
  const required = compiled.fields.filter((name) => !fieldOf(input, name)!.optional)
  return {
    comparisons: compiled.comparisons(),
    test: (row) =>
      required.every((name) => row[name] !== null && row[name] !== undefined) && compiled.evaluate(row) === true,
  }
}
