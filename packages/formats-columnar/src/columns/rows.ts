/** Makes rows of the declared type from slices of columns. */
import { dateReader, type DateRule, MillraceError, type Row, type Tally, whyNoDate } from '@millrace/core'
import type { ReadOptions, RecordFailure } from '@millrace/formats'
import type { ValueOptions } from '../columnar-options.ts'
import type { FileColumn } from '../file-column.ts'
import { timed } from '../times.ts'
import { compileAssemble } from './assemble.ts'
import { type ColumnValues, convertColumn, type ReadColumn } from './convert.ts'
import { refuseDuplicates } from './infer.ts'
import { fieldReader, keptReader, known, localTimes, type Read, type Reading } from './values.ts'

/** A row that could not be read, by its index in the slice. */
export interface FailedRow {
  readonly index: number
  readonly failure: RecordFailure
}

/** Makes rows from slices of columns. */
export interface RowReader {
  /** The file's columns that are read. */
  readonly columns: readonly FileColumn[]
  /** Converts a value of each to its declared type. Throws `DataError`. */
  readonly reads: readonly Read[]
  /**
   * The rows of a slice; failed rows are separate. `values`: of `columns`, in order. `origins[i]`: the index of row i
   * in the slice.
   */
  rows(
    values: readonly ColumnValues[],
    length: number,
  ): {
    rows: Row[]
    origins: Int32Array
    failed: FailedRow[]
    /** How many fields are not in the schema and were left out. */
    unknown: number
  }
}

/**
 * Prepares to read a file with these columns. Throws `MillraceError` `missing_column`, `unknown_field`, `wrong_type`,
 * `duplicate_column`.
 */
export function rowReader(
  all: readonly FileColumn[],
  { schema, unknownFields, push }: ReadOptions,
  values: ValueOptions = {},
): RowReader {
  const tally: Tally = { unknown: 0 }
  const reading: Reading = { unknownFields, tally, values }
  refuseDuplicates(all.filter(({ name }) => unknownFields !== 'drop' || Object.hasOwn(schema.fields, name)))
  const byName = new Map(all.map((column) => [column.name, column]))
  const declared = Object.entries(schema.fields)
  for (const [name, field] of declared) {
    if (!byName.has(name) && !field.optional)
      throw new MillraceError(
        'missing_column',
        `the file has no column ${name}; it has ${all.map((column) => column.name).join(', ')}`,
        {
          hint: "use the file's name for the field, or declare it as optional",
        },
      )
  }
  const unknown = all.filter((column) => !Object.hasOwn(schema.fields, column.name))
  if (unknownFields === 'error' && unknown.length > 0)
    throw new MillraceError(
      'unknown_field',
      `the file has columns that are not in the schema: ${unknown.map((column) => column.name).join(', ')}`,
    )
  const kept = unknownFields === 'keep' && !push ? unknown : []
  for (const column of kept) known(column)
  const sources: ReadColumn[] = [
    ...declared
      .filter(([name]) => byName.has(name))
      .map(([name, field]) => {
        const read = fieldReader(byName.get(name)!, field, reading)
        return { column: timed(byName.get(name)!, values)!, read, field }
      }),
    ...kept.map((given) => {
      const column = timed(given, values) ?? localTimes(given.name)
      return { column, read: keptReader(column, values) }
    }),
  ]
  const place = new Map(sources.map(({ column }, k) => [column.name, k]))
  const wanted =
    push?.columns ??
    [...declared.map(([name]) => name), ...kept.map((column) => column.name)].map((name) => ({
      name,
      from: name,
      date: undefined,
    }))
  const outputs = wanted.map(({ name, from, date }, order) => ({
    name,
    from,
    source: place.get(from),
    rule: date && { order, ...date },
    convert: date && dateReader(date),
  }))
  const assemble = compileAssemble(outputs.map(({ name }) => name))
  return {
    columns: sources.map(({ column }) => column),
    reads: sources.map(({ read }) => read),
    rows(values, length) {
      const failures = new Map<number, RecordFailure>()
      tally.unknown = 0
      const converted = sources.map((source, k) => convertColumn(source, values[k]!, length, failures))
      const nulls = new Array<null>(length).fill(null)
      const rules = outputs.filter((output) => output.convert).toSorted((a, b) => a.rule!.order - b.rule!.order)
      const dated = new Map(
        rules.map((output) => [output, datedColumn(converted[output.source!] ?? nulls, output, failures)]),
      )
      const columns = outputs.map(
        (output) => dated.get(output) ?? (output.source === undefined ? nulls : converted[output.source]!),
      )
      const origins = new Int32Array(length - failures.size)
      if (failures.size === 0) for (let i = 0; i < length; i++) origins[i] = i
      else for (let i = 0, n = 0; i < length; i++) if (!failures.has(i)) origins[n++] = i
      const failed = [...failures].map(([index, failure]) => ({ index, failure })).toSorted((a, b) => a.index - b.index)
      const left = tally.unknown + (unknown.length - kept.length) * origins.length
      return { rows: assemble(columns, origins), origins, failed, unknown: left }
    },
  }
}

function datedColumn(
  values: ColumnValues,
  {
    from,
    rule,
    convert,
  }: {
    from: string
    rule: DateRule | undefined
    convert: ((text: string) => unknown) | undefined
  },
  failures: Map<number, RecordFailure>,
): unknown[] {
  return Array.from(values, (value, i) => {
    if (value === null || value === undefined) return null
    const made = convert!(value as string)
    if (made === undefined && !failures.has(i)) {
      const { step, field = from } = rule!
      failures.set(i, {
        code: 'bad_date',
        field,
        message: whyNoDate(rule!, value as string, JSON.stringify(value)),
        step,
      })
    }
    return made
  })
}
