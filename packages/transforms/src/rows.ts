/**
 * Makes rows. A step makes rows of one shape by a function generated from its columns: each column is a field of the
 * input row or one of the values that the step has computed for it. `values` is one array that the step refills for
 * each row, so only the row itself is allocated. If the type of the input is open, fields outside the type are copied
 * one by one after the others: slower, but the only way to keep unknown fields.
 */
import {
  type Applied,
  codegenAllowed,
  fieldReader,
  generate,
  propertyKey,
  quote,
  type RecordType,
  type Row,
} from '@millrace/core'

/** A column of the output: from a field of the input (by name), or from the values of the step (by index). */
export type Column = readonly [to: string, from: string | number]

export type MakeRow = (row: Row, values: readonly unknown[]) => Row

/**
 * Makes rows with exactly these columns, from rows of `input`; `keepOpen`: other fields of an open input are kept.
 * Absent fields become null.
 */
export function rowMaker(columns: readonly Column[], input: RecordType, keepOpen: boolean): MakeRow {
  const make = codegenAllowed ? generatedMaker(columns) : interpretedMaker(columns)
  if (!keepOpen || !input.open) return make
  const known = new Set([...Object.keys(input.fields), ...columns.map(([to]) => to)])
  return (row, values) => {
    const made = make(row, values)
    for (const name of Object.keys(row)) if (!known.has(name)) setField(made, name, row[name])
    return made
  }
}

// Every object inherits some names (`constructor`): only own properties count.
const isInherited = (name: string): boolean => name in Object.prototype

function generatedMaker(columns: readonly Column[]): MakeRow {
  const text = columns.map(([to, from]) => {
    if (typeof from === 'number') return `${propertyKey(to)}: v[${from}]`
    const read = `r[${quote(from)}] ?? null`
    return `${propertyKey(to)}: ${isInherited(from) ? `hasOwn(r, ${quote(from)}) ? ${read} : null` : read}`
  })
  return generate({ hasOwn: Object.hasOwn }, `return (r, v) => ({ ${text.join(', ')} })`)
}

/** The twin of the generated maker, where code generation is forbidden. */
export function interpretedMaker(columns: readonly Column[]): MakeRow {
  const reads = columns.map(([to, from]) => ({
    to,
    at: typeof from === 'number' ? from : -1,
    read: typeof from === 'string' ? fieldReader(from) : undefined,
  }))
  return (row, values) => {
    const made: Row = {}
    for (const { to, at, read } of reads) setField(made, to, read ? read(row) : values[at])
    return made
  }
}

/** `__proto__` becomes an ordinary property. */
export function setField(row: Row, name: string, value: unknown): void {
  if (name === '__proto__')
    Object.defineProperty(row, name, { value, enumerable: true, writable: true, configurable: true })
  else row[name] = value
}

/**
 * The columns that copy the fields of a record, except those `replaced` in place by values of the step; new ones
 * follow.
 */
export function columnsWith(input: RecordType, replaced: readonly string[]): Column[] {
  const at = new Map(replaced.map((name, i) => [name, i]))
  const columns: Column[] = Object.keys(input.fields).map((name) => [name, at.get(name) ?? name])
  for (const [i, name] of replaced.entries()) if (!Object.hasOwn(input.fields, name)) columns.push([name, i])
  return columns
}

const none: readonly unknown[] = []

/** One row from each, without computed values. */
export function mapRows(rows: readonly Row[], make: MakeRow): Applied {
  const made = new Array<Row>(rows.length)
  for (let i = 0; i < made.length; i++) made[i] = make(rows[i]!, none)
  return { rows: made }
}

/**
 * Collects the output of a step that may filter rows: add rows in the order of the input. Origins are only written from
 * the first filtered row on, so that a batch in which all pass costs nothing.
 */
export class Passed {
  private readonly rows: Row[]
  private readonly size: number
  private n = 0
  private origins: Int32Array | undefined

  /** `size`: the number of input rows, each of which is added at most once. */
  constructor(size: number) {
    this.size = size
    this.rows = new Array<Row>(size)
  }

  /** Row i of the input became `row`. */
  add(row: Row, i: number): void {
    if (this.origins) this.origins[this.n] = i
    else if (i !== this.n) {
      this.origins = upTo(this.n, this.size)
      this.origins[this.n] = i
    }
    this.rows[this.n++] = row
  }

  done(): Applied {
    if (this.n === this.size) return { rows: this.rows }
    this.rows.length = this.n
    return { rows: this.rows, origins: (this.origins ?? upTo(this.n, this.n)).subarray(0, this.n) }
  }
}

/** The same for a step that passes rows unchanged: if all are kept, the output is the input array itself. */
export class Kept {
  private readonly input: readonly Row[]
  private n = 0
  private rows: Row[] | undefined
  private origins: Int32Array | undefined

  constructor(input: readonly Row[]) {
    this.input = input
  }

  /** Row i passes. */
  keep(i: number): void {
    if (i !== this.n && !this.rows) {
      this.rows = this.input.slice(0, this.n)
      this.origins = upTo(this.n, this.input.length)
    }
    if (this.rows) {
      this.rows.push(this.input[i]!)
      this.origins![this.n] = i
    }
    this.n++
  }

  done(): Applied {
    if (this.n === this.input.length) return { rows: this.input }
    return {
      rows: this.rows ?? this.input.slice(0, this.n),
      origins: (this.origins ?? upTo(this.n, this.n)).subarray(0, this.n),
    }
  }
}

/** 0, 1, ... n-1 in an array of `size`. */
function upTo(n: number, size: number): Int32Array {
  const origins = new Int32Array(size)
  for (let i = 0; i < n; i++) origins[i] = i
  return origins
}
