/** Results of groups: their rows, their keys, and whether they differ from what was emitted before. */
import { type Aggregation, DataError, type Json, type Output, type RecordType, type Row, toJson } from '@millrace/core'
import type { Group } from './group.ts'
import { canUpdate, type Options } from './options.ts'
import type { Span } from './windows.ts'

/** Emits the result of a group. False: it is what was emitted before. */
export type EmitGroup = (
  group: Pick<Group, 'values' | 'saved' | 'state' | 'shown'>,
  out: Output,
  span?: Span,
) => boolean

export function emitter(o: Options, compiled: Aggregation, output: RecordType): EmitGroup {
  const { by, window } = o
  const isNested = window?.shape === 'nested'
  const writers = canUpdate(o)
    ? Object.entries(output.fields).map(([name, { type }]) => [name, toJson(type)] as const)
    : []
  const keyOf = ({ values, saved }: Pick<Group, 'values' | 'saved'>, span: Span | undefined): Row => {
    const row: Row = {}
    for (const [d, name] of by.entries()) row[name] = values[d]
    if (span && isNested) row['window'] = { start: span.start, end: span.end }
    else if (span) {
      row['window_start'] = span.start
      row['window_end'] = span.end
    }
    return saved === '' ? {} : row
  }
  let lastStart = Number.NaN
  let startText = ''
  return (group, out, span) => {
    const key = JSON.parse(group.saved) as Json[]
    if (span && span.start !== lastStart) {
      lastStart = span.start
      startText = new Date(lastStart).toISOString()
    }
    const at = span ? { key: [...key, startText], time: span.end - 1 } : { key }
    const row = keyOf(group, span)
    try {
      Object.assign(row, compiled.result(group.state))
    } catch (error) {
      if (!(error instanceof DataError)) throw error
      out.failResult(row, at, error.code, { message: error.message, field: error.field })
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
