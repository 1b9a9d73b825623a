/** Infers types from a file, for a person to review. */
import { type Field, fromText, MillraceError, type RecordType, type Row, type Type } from '@millrace/core'
import { type ByteSource, inferCsv } from '@millrace/formats'
import { inferArrow } from './arrow/read.ts'
import { type FileReadFormat, fileReadFormats } from './formats.ts'
import { inferParquet } from './parquet/read.ts'

const sampleRows = 10_000

/**
 * Fields and types of a file, from its first records; `note` gets what they leave out. Throws `MillraceError` if they
 * cannot be read.
 */
export async function inferFile(
  input: ByteSource,
  format: FileReadFormat,
  signal: AbortSignal,
  note?: (message: string) => void,
): Promise<RecordType> {
  if (format.type === 'csv') return inferCsv(input, format, signal)
  if (format.type === 'parquet') return inferParquet(input, note)
  if (format.type === 'arrow') return inferArrow(input, signal, note)
  const { reader } = fileReadFormats.open(format, { schema: { fields: {}, open: true }, unknownFields: 'keep' })
  const seen = new Seen()
  for await (const piece of reader.read(input, undefined, signal)) {
    const bad = piece.bad?.[0]
    if (bad)
      throw new MillraceError('bad_record', `byte ${bad.position}: ${bad.message}`, {
        hint: 'fix the file, or set the option format',
      })
    for (const row of piece.rows) seen.add(row)
    if (seen.rows >= sampleRows) break
  }
  return seen.type()
}

/** Objects seen so far, field by field. */
class Seen {
  rows = 0
  private readonly fields = new Map<string, Values>()

  add(row: Row): void {
    this.rows++
    for (const [name, value] of Object.entries(row)) {
      let values = this.fields.get(name)
      if (!values) this.fields.set(name, (values = new Values()))
      values.add(value)
    }
  }

  type(): RecordType {
    return { fields: Object.fromEntries([...this.fields].map(([name, values]) => [name, values.field(this.rows)])) }
  }
}

type Kind = 'string' | 'boolean' | 'integer' | 'bigint' | 'wide' | 'number' | 'date' | 'timestamp' | 'list' | 'object'

/** The values of one field. */
class Values {
  private present = 0
  private readonly kinds = new Set<Kind>()
  private items: Values | undefined
  private itemCount = 0
  private objects: Seen | undefined

  add(value: unknown): void {
    if (value === null || value === undefined) return
    this.present++
    const kind = kindOf(value)
    this.kinds.add(kind)
    if (kind === 'list') {
      this.items ??= new Values()
      for (const item of value as unknown[]) {
        this.itemCount++
        this.items.add(item)
      }
    } else if (kind === 'object') {
      this.objects ??= new Seen()
      this.objects.add(value as Row)
    }
  }

  /** Of `total` records. */
  field(total: number): Field {
    return { type: this.type(), optional: this.present < total }
  }

  private type(): Type {
    const kinds = [...this.kinds]
    const only = (...allowed: Kind[]) => kinds.length > 0 && kinds.every((kind) => allowed.includes(kind))
    if (only('integer')) return { kind: 'integer' }
    if (only('integer', 'bigint')) return { kind: 'bigint' }
    if (only('integer', 'bigint', 'wide')) return { kind: 'decimal', precision: 38, scale: 0 }
    if (only('integer', 'number')) return { kind: 'number' }
    if (only('boolean')) return { kind: 'boolean' }
    if (only('date')) return { kind: 'date' }
    if (only('timestamp')) return { kind: 'timestamp' }
    if (only('string', 'date', 'timestamp') || kinds.length === 0) return { kind: 'string' }
    if (only('list')) return { kind: 'list', of: this.items!.field(this.itemCount) }
    if (only('object')) return { kind: 'object', record: this.objects!.type() }
    return { kind: 'json' }
  }
}

function kindOf(value: unknown): Kind {
  if (typeof value === 'string') return (['date', 'timestamp'] as const).find((kind) => isOf(kind, value)) ?? 'string'
  if (typeof value === 'boolean') return 'boolean'
  if (typeof value === 'bigint') return BigInt.asIntN(64, value) === value ? 'bigint' : 'wide'
  if (typeof value === 'number') return Number.isSafeInteger(value) ? 'integer' : 'number'
  return Array.isArray(value) ? 'list' : 'object'
}

function isOf(kind: 'date' | 'timestamp', text: string): boolean {
  if (!/^\d{4}-/.test(text)) return false
  try {
    fromText({ kind })(text)
    return true
  } catch {
    return false
  }
}
