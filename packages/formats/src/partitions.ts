/**
 * Fields in the folder names of a file, `region=007/day=2024-02-29/rows.parquet`, as Hive, Spark and others write them:
 * each is read from its folder's name, not from the file.
 */
import {
  DataError,
  dateReader,
  type Field,
  type FieldBound,
  fromText,
  type Json,
  MillraceError,
  type RecordType,
  type Row,
} from '@millrace/core'
import type { Piece, ReadOptions, RecordReader, Skip } from './reader.ts'
import type { InputFormat } from './shape.ts'
import { skipOf } from './skip.ts'

/** The values in folder names, as text, by field; null as in Hive. */
export type Partitions = Readonly<Record<string, string | null>>

const hiveNull = '__HIVE_DEFAULT_PARTITION__'

/** The fields in the folders of a path. */
export function partitionsIn(path: string): Partitions {
  const found: Record<string, string | null> = {}
  for (const folder of path.split(/[\\/]/).slice(0, -1)) {
    const [, key, value] = /^([^=]+)=(.*)$/s.exec(folder) ?? []
    if (key === undefined || value === undefined) continue
    const own = {
      value: value === hiveNull ? null : decoded(value),
      enumerable: true,
      writable: true,
      configurable: true,
    }
    Object.defineProperty(found, decoded(key), own)
  }
  return found
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // It contains a percent sign that does not encode anything.
    return text
  }
}

/** An inferred type with the fields of the folder names, as text. */
export function withFolders(record: RecordType, partitions: Partitions): RecordType {
  const told = Object.keys(partitions).map((name) => [name, { type: { kind: 'string' }, optional: true }] as const)
  return { ...record, fields: { ...record.fields, ...Object.fromEntries(told) } }
}

/** The context of a record with fields from folder names. */
interface PartitionContext {
  readonly partitions: Partitions
  readonly inner?: Json
}

/**
 * A format whose records get the fields of `partitions` that are in the schema. Reading throws `MillraceError`
 * `wrong_type` if a folder's name is not a value of its field's type.
 */
export function withPartitions(
  read: ReadOptions,
  partitions: Partitions,
  open: (read: ReadOptions) => InputFormat,
): InputFormat {
  const told = Object.keys(read.schema.fields).filter((name) => Object.hasOwn(partitions, name))
  if (told.length === 0) return open(read)
  const isFromPath = (name: string) => told.includes(name)
  const { push, schema } = read
  const rest = Object.fromEntries(Object.entries(schema.fields).filter(([name]) => !isFromPath(name)))
  const inner = {
    ...read,
    schema: { ...schema, fields: rest },
    push: push && { ...push, columns: push.columns.filter(({ from }) => !isFromPath(from)) },
    skip: partlyKnown(read, partitions, isFromPath),
  }
  const format = open(inner)
  const { reader } = format
  const context: PartitionContext = { partitions: Object.fromEntries(told.map((name) => [name, partitions[name]!])) }

  async function* readAll(...args: Parameters<RecordReader['read']>): AsyncGenerator<Piece> {
    const whole = completer(read, partitions, told)
    for await (const piece of reader.read(...args))
      yield {
        ...piece,
        rows: piece.rows.map(whole),
        context: { ...context, ...(piece.context === undefined ? {} : { inner: piece.context }) } as unknown as Json,
      }
  }
  return { ...format, reader: { ...reader, read: readAll } }
}

/** What need not be read of a file whose folders are known. */
function partlyKnown(
  read: ReadOptions,
  partitions: Partitions,
  isFromPath: (name: string) => boolean,
): Skip | undefined {
  const skip = skipOf(read)
  if (!skip) return undefined
  const isOutside = ({ field, excludes }: FieldBound): boolean => {
    const text = partitions[field] ?? null
    try {
      const value = valueOf(field, text, read.schema.fields[field]!, undefined)
      return excludes(value === null ? null : { least: value, most: value })
    } catch (error) {
      // A name that is no value is reported when the file is read.
      if (error instanceof MillraceError) return false
      throw error
    }
  }
  const all = skip.bounds.some((bound) => isFromPath(bound.field) && isOutside(bound))
  return { ...skip, all, bounds: skip.bounds.filter(({ field }) => !isFromPath(field)) }
}

/** Decodes records with and without fields from folder names. */
export const decodeWithPartitions =
  (read: ReadOptions, open: (read: ReadOptions) => NonNullable<RecordReader['decode']>) =>
  (bytes: Uint8Array, context: Json | undefined): Row => {
    if (typeof context !== 'object' || context === null || !('partitions' in context)) return open(read)(bytes, context)
    const { partitions, inner } = context as unknown as PartitionContext
    const told = Object.keys(partitions)
    const fields = Object.fromEntries(Object.entries(read.schema.fields).filter(([name]) => !told.includes(name)))
    const row = open({ ...read, schema: { ...read.schema, fields } })(bytes, inner)
    return completer({ ...read, push: undefined }, partitions, told)(row)
  }

/** Makes the function that adds the fields of folder names to rows, in the order of the schema or of the pushdown. */
function completer({ schema, push }: ReadOptions, partitions: Partitions, told: readonly string[]): (row: Row) => Row {
  const names = push?.columns ?? Object.keys(schema.fields).map((name) => ({ name, from: name, date: undefined }))
  const constants = new Map(
    names.flatMap(({ name, from, date }) => {
      if (!told.includes(from)) return []
      const text = partitions[from] ?? null
      return [[name, valueOf(from, text, schema.fields[from]!, date && dateReader(date))] as const]
    }),
  )
  return (row) => {
    const whole: Row = {}
    const put = (name: string, value: unknown) =>
      Object.defineProperty(whole, name, { value, enumerable: true, writable: true, configurable: true })
    for (const { name } of names) put(name, constants.has(name) ? constants.get(name) : row[name])
    for (const name of Object.keys(row)) if (!Object.hasOwn(whole, name)) put(name, row[name])
    return whole
  }
}

function valueOf(
  name: string,
  text: string | null,
  { type, optional }: Field,
  convert: ((text: string) => unknown) | undefined,
): unknown {
  const wrong = (why: string) =>
    new MillraceError(
      'wrong_type',
      `the folder ${name}=${text ?? hiveNull} of the file is not a value of its field: ${why}`,
      {
        hint: 'declare the type that the folder names have, or remove the field from the schema',
      },
    )
  if (text === null) {
    if (optional) return null
    throw wrong('it means null, and the field is not optional')
  }
  try {
    const value = fromText(type)(text)
    const made = convert ? convert(value as string) : value
    if (made === undefined) throw wrong('it is not a date of the given formats')
    return made
  } catch (error) {
    throw error instanceof DataError ? wrong(error.message) : error
  }
}
