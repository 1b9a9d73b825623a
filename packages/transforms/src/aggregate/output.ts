/** The type of the results. */
import type { Aggregation, Field, RecordType, Type } from '@millrace/core'
import { recordOf } from '../fields.ts'
import type { Options, WindowOptions } from './options.ts'

const timestamp: Field = { type: { kind: 'timestamp' }, optional: false }
const span: Type = { kind: 'object', record: { fields: { start: timestamp, end: timestamp } } }

/** The fields of a result's window. */
export const windowTypes = ({ shape }: WindowOptions): [string, Field][] =>
  shape === 'nested'
    ? [['window', { type: span, optional: false }]]
    : [
        ['window_start', timestamp],
        ['window_end', timestamp],
      ]

/** Of options that `infer` has accepted. */
export const outputOf = ({ by, window }: Options, input: RecordType, compiled: Aggregation): RecordType =>
  recordOf([
    ...by.map((name) => [name, input.fields[name]!] as const),
    ...(window ? windowTypes(window) : []),
    ...Object.entries(compiled.type.fields),
  ])
