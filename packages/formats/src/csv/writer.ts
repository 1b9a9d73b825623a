/**
 * Writes CSV in UTF-8. A reader with the same options reads back exactly what was written: text that would be read as
 * null is quoted, and a value whose text cannot be distinguished from null is refused.
 */
import {
  DataError,
  isWellFormed,
  option,
  type Problem,
  type RecordType,
  type Row,
  type Static,
  toText,
  type Type,
} from '@millrace/core'
import type { RecordWriter, RefusedRow } from '../writer.ts'
import { orderedNames, orderProblems } from './layout.ts'
import { csvProblems } from './options.ts'

/** Options of a connector that writes CSV. */
export const csvWriteOptions = {
  delimiter: option.text('The character between cells; a tab is written "\\t" in double quotes.', {
    default: ',',
    example: ';',
  }),
  quote: option.text('The character around cells that need it.', { default: '"' }),
  header: option.boolean('The first line names the columns.', { default: true }),
  line_end: option.oneOf(['lf', 'crlf'], 'The line ending.', { default: 'lf' }),
  nulls: option.text('The text for null.', { default: '', example: '\\N' }),
}

/** The options as a writer gets them. */
export type CsvWriteOptions = { readonly [K in keyof typeof csvWriteOptions]: Static<(typeof csvWriteOptions)[K]> }

/** The defaults. */
export const csvWriteDefaults: CsvWriteOptions = { delimiter: ',', quote: '"', header: true, line_end: 'lf', nulls: '' }

/** Problems of options that are valid individually. */
export function csvWriteProblems(options: Partial<CsvWriteOptions>): Problem[] {
  const { delimiter, quote, nulls } = { ...csvWriteDefaults, ...options }
  const problems = csvProblems({ delimiter, quote })
  if (quote === '') problems.push({ code: 'bad_value', at: ['quote'], message: 'a writer needs a quote character' })
  if (quote && [delimiter, quote, '\n', '\r'].some((mark) => nulls.includes(mark)))
    problems.push({
      code: 'bad_value',
      at: ['nulls'],
      message: 'the text for null may not contain a delimiter, quote or line break',
      got: nulls,
    })
  return problems
}

/** Problems with writing records of this type as CSV. */
export function csvAccepts(record: RecordType, { header = true }: Partial<CsvWriteOptions> = {}): Problem[] {
  if (record.open)
    return [
      {
        code: 'wrong_type',
        at: [],
        message:
          'CSV has only the columns of its header, but these records may have additional fields (unknown_fields: keep)',
        hint: 'select the fields to write',
      },
    ]
  return Object.keys(record.fields).length
    ? header
      ? []
      : orderProblems(record)
    : [{ code: 'wrong_type', at: [], message: 'records without fields cannot be written as CSV' }]
}

/**
 * Makes writers of CSV files. `continued`: the file has its header already. Throws `bad_field_name` if the columns get
 * no header and the fields have no order.
 */
export function csvWriter(
  record: RecordType,
  options: Partial<CsvWriteOptions> = {},
): (continued?: boolean) => RecordWriter {
  const { delimiter, quote, header, line_end, nulls } = { ...csvWriteDefaults, ...options }
  const lineEnd = line_end === 'crlf' ? '\r\n' : '\n'
  // U+FEFF as the first character of a file would be taken for its byte order mark.
  const special = new RegExp(
    `[\\r\\n\\ufeff${[delimiter, quote].map((mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')}]`,
  )
  const quoted = (text: string) => quote + text.replaceAll(quote, quote + quote) + quote
  const cell = (text: string) => (special.test(text) ? quoted(text) : text)
  const names = header ? Object.keys(record.fields) : orderedNames(record)
  const cells = names.map((name) => cellWriter(record.fields[name]!.type, nulls, cell, quoted))
  // A reader skips empty lines before the header, so an empty name is always quoted.
  const headerLine = names.map((name) => (name === '' ? quoted(name) : cell(name))).join(delimiter) + lineEnd

  function lineOf(row: Row): string {
    let line = ''
    for (let k = 0; k < names.length; k++) {
      const name = names[k]!
      const value = name in Object.prototype && !Object.hasOwn(row, name) ? null : row[name]
      if (k > 0) line += delimiter
      try {
        line += value === null || value === undefined ? nulls : cells[k]!(value)
      } catch (error) {
        if (error instanceof DataError) throw new DataError(error.code, error.message, name)
        throw error instanceof RangeError ? new DataError('out_of_range', error.message, name) : error
      }
    }
    return line + lineEnd
  }

  return (continued = false) => {
    let parts: Buffer[] = header && !continued ? [Buffer.from(headerLine)] : []
    let pendingBytes = parts[0]?.length ?? 0
    const take = () => {
      const bytes = parts.length === 1 ? parts[0]! : Buffer.concat(parts)
      parts = []
      pendingBytes = 0
      return bytes
    }
    return {
      append: true,
      get pendingBytes() {
        return pendingBytes
      },
      get size() {
        return pendingBytes
      },
      write(rows, most = Number.POSITIVE_INFINITY) {
        let text = ''
        let refused: RefusedRow[] | undefined
        let taken = 0
        const put = () => {
          if (text === '') return
          const bytes = Buffer.from(text)
          parts.push(bytes)
          pendingBytes += bytes.length
          text = ''
        }
        for (let i = 0; i < rows.length && (i === 0 || pendingBytes < most); i++, taken++) {
          try {
            text += lineOf(rows[i]!)
          } catch (error) {
            if (!(error instanceof DataError)) throw error
            ;(refused ??= []).push({
              index: i,
              code: error.code,
              message: error.message,
              field: error.field,
            })
          }
          // A UTF-16 unit takes three bytes at most.
          if (pendingBytes + 3 * text.length >= most) put()
        }
        put()
        return { taken, refused }
      },
      take,
      finish: take,
    }
  }
}

/** The cell of a value other than null. */
function cellWriter(
  type: Type,
  nulls: string,
  cell: (text: string) => string,
  quoted: (text: string) => string,
): (value: unknown) => string {
  const write = toText(type)
  if (type.kind === 'string')
    return (value) => {
      const text = value as string
      if (!text.isWellFormed())
        throw new DataError('bad_text', 'the text has an unpaired surrogate, which UTF-8 cannot represent')
      return text === nulls ? quoted(text) : cell(text)
    }
  return (value) => {
    const text = write(value)
    // Even in quotes, a null marker means null for types other than string.
    if (text === nulls)
      throw new DataError(
        'reads_as_null',
        `the value is written as ${JSON.stringify(text)}, which means null: choose another text for the option nulls`,
      )
    if (!isWellFormed(text))
      throw new DataError('bad_text', 'the value has an unpaired surrogate, which UTF-8 cannot represent')
    return cell(text)
  }
}
