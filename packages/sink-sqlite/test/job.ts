/** What child.ts is told, and the rows it writes. */
import type { RecordType, Row } from '@millrace/core'

export interface ChildJob {
  readonly root: string
  /** Of the pipeline. */
  readonly name: string
  readonly rows: number
}

export const jobSchema: RecordType = {
  fields: {
    n: { type: { kind: 'integer' }, optional: false },
    group: { type: { kind: 'string' }, optional: false },
    text: { type: { kind: 'string' }, optional: true },
  },
}

export const jobRows = (count: number): Row[] =>
  Array.from({ length: count }, (_, n) => ({ n, group: `g${n % 7}`, text: n % 5 ? `caf\u00e9 ${n}` : null }))
