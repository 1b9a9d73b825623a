/**
 * The slow path through one record, shared by both scanners: cells that are not plainly valid, and the failure of the
 * record.
 */
import { DataError, whyNoDate } from '@millrace/core'
import { badEncoding, type Encoding, swapped } from '../text.ts'
import { type Layout, type RowFailure, show } from './layout.ts'
import type { Dialect } from './options.ts'
import type { Units } from './structure.ts'

/**
 * The problem of the current record. Broken structure takes precedence over a bad cell, and a bad cell over a date that
 * a step could not read.
 */
export class Trouble {
  /** Whether the current record has a problem. */
  any = false
  private structure: RowFailure | undefined
  private bad: RowFailure | undefined
  private undated: RowFailure | undefined
  private undatedOrder = 0
  private readonly layout: Layout
  private readonly dialect: Dialect
  private readonly encoding: Encoding

  constructor(layout: Layout, dialect: Dialect, encoding: Encoding) {
    this.layout = layout
    this.dialect = dialect
    this.encoding = encoding
    this.clear()
  }

  clear(): void {
    this.structure = this.bad = this.undated = undefined
    this.undatedOrder = Number.POSITIVE_INFINITY
    this.any = this.layout.broken !== undefined
  }

  /** The failure of the record, which is complete. Only if `any`. */
  take(): RowFailure {
    const failure = this.layout.broken ?? this.structure ?? this.bad ?? this.undated!
    this.clear()
    return failure
  }

  /** The value of a cell of column k; null if it has none or is bad. */
  cell(k: number, text: string, quoted: boolean): unknown {
    const column = this.layout.columns[k]!
    try {
      if (this.isNull(text) && !(quoted && column.kind === 'string')) {
        if (column.optional) return null
        throw new DataError(
          'missing_value',
          `${text === '' ? 'the cell is empty' : `${show(text)} means "no value"`}, and the field is not optional`,
        )
      }
      return column.convert(text)
    } catch (error) {
      if (!(error instanceof DataError)) throw error
      this.refuse({ code: error.code, field: joined(column.name, error.field), message: error.message })
      return null
    }
  }

  private isNull(text: string): boolean {
    return text === '' ? this.dialect.emptyIsNull : this.dialect.markers.has(text)
  }

  /** The value of output x, whose column holds this text. */
  date(x: number, text: string): unknown {
    const { column, date } = this.layout.outputs[x]!
    const value = date!.convert(text)
    if (value !== undefined) return value
    const { step, field = this.layout.columns[column]!.name, order = x } = date!.rule
    this.any = true
    if (order < this.undatedOrder) {
      this.undatedOrder = order
      this.undated = {
        code: 'bad_date',
        field,
        message: whyNoDate(date!.rule, text, show(text)),
        step,
      }
    }
    return null
  }

  /** A cell of column k, these units of the chunk, is not text. */
  undecodable(k: number, units: Units, from: number, to: number): void {
    const cell = units.subarray(from, to)
    const bytes = new Uint8Array(cell.buffer, cell.byteOffset, cell.byteLength)
    const { code, message } = badEncoding(this.encoding === 'utf-16be' ? swapped(bytes) : bytes, this.encoding)
    this.refuse({ code, field: this.layout.columns[k]!.name, message })
  }

  private refuse(failure: RowFailure): void {
    this.any = true
    this.bad ??= failure
  }

  /** The record ends after column k. Its other cells are null if short rows are allowed. */
  short(k: number): void {
    const { columns } = this.layout
    if (this.dialect.pad) for (let next = k + 1; next < columns.length; next++) this.absent(next)
    else this.ragged(k + 1)
  }

  private absent(k: number): void {
    const column = this.layout.columns[k]!
    if (!column.optional)
      this.refuse({
        code: 'missing_value',
        field: column.name,
        message: 'the row ends before this cell, and the field is not optional',
      })
  }

  /** The record has `cells` cells. */
  ragged(cells: number): void {
    const expected = this.layout.columns.length
    this.any = true
    this.structure ??= {
      code: 'ragged_row',
      message: `the row has ${cells} ${cells === 1 ? 'cell' : 'cells'} instead of ${expected}`,
    }
  }

  /** Column k has text after its closing quote. */
  unquoted(k: number): void {
    this.any = true
    this.structure ??= {
      code: 'bad_quote',
      field: this.layout.columns[k]!.name,
      message: 'text follows the closing quote of the cell; a quote inside quotes is written twice',
    }
  }

  /** Column k contains a quote but does not begin with one. */
  bareQuote(k: number): void {
    this.any = true
    this.structure ??= {
      code: 'bad_quote',
      field: this.layout.columns[k]!.name,
      message: 'there is a quote inside a cell that does not begin with one (`bare_quotes: error`)',
    }
  }

  /** The record begins with a byte order mark. */
  marked(): void {
    this.any = true
    this.structure ??= {
      code: 'byte_order_mark',
      message: 'the record begins with a byte order mark, as happens when files are joined',
    }
  }
}

const joined = (name: string, path: string | undefined): string =>
  path === undefined ? name : path.startsWith('[') ? name + path : `${name}.${path}`
