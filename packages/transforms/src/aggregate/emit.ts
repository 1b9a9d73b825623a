/** Results of groups: their rows, their keys, and whether they differ from what was emitted before. */
import { type Aggregation, DataError, type Json, type Output, type RecordType, type Row, toJson } from '@millrace/core'
import type { Group } from './group.ts'
import { canUpdate, type Options } from './options.ts'
import { outputOf } from './output.ts'
import type { Span } from './windows.ts'

/** Emits the result of a group. False: it is what was emitted before. */
export type EmitGroup = (
  group: Pick<Group, 'values' | 'saved' | 'state' | 'shown'>,
  out: Output,
  span?: Span,
) => boolean

export function emitter(o: Options, compiled: Aggregation, input: RecordType): EmitGroup {
  const { by, window } = o
  const output = outputOf(o, input, compiled)
  const parts = by.map((name) => toJson(input.fields[name]!.type))
  const isNested = window?.shape === 'nested'
  const writers = canUpdate(o)
    ? Object.entries(output.fields).map(([name, { type }]) => [name, toJson(type)] as const)
    : []
  const keyOf = ({ values, saved }: Pick<Group, 'values' | 'saved'>, span: Span | undefined): Row => {
    const row: Row = {}
    if (saved === '') return row
    for (let d = 0; d < by.length; d++) row[by[d]!] = values[d]
    if (span && isNested) row['window'] = { start: span.start, end: span.end }
    else if (span) {
      row['window_start'] = span.start
      row['window_end'] = span.end
    }
    return row
  }
  let lastStart = Number.NaN
  let startText = ''
  return (group, out, span) => {
    const key: Json[] = group.values.map((value, d) => parts[d]!(value))
    if (span && span.start !== lastStart) {
      lastStart = span.start
      startText = new Date(lastStart).toISOString()
    }
    if (span) key.push(startText)
    const at = span ? { key, time: span.end - 1 } : { key }
    const row = keyOf(group, span)
    try {
      compiled.result(group.state, row)
    } catch (error) {
      if (!(error instanceof DataError)) throw error
      out.failResult(keyOf(group, span), at, error.code, { message: error.message, field: error.field })
      return true
    }
    if (writers.length > 0) {
      const text = JSON.stringify(writers.map(([name, write]) => (row[name] === null ? null : write(row[name]))))
      if (text === group.shown) return false
      group.shown = text
    }
    out.result(row, at)
    return true
  }
}
