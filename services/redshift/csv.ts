/** CSV as COPY reads it: copy-parameters-data-format.html, "CSV". */

/** A record of a file. */
export interface CsvRecord {
  /** The line where it begins, from 1. */
  readonly line: number
  readonly fields: readonly string[]
}

/** The records of a file. */
export function csvRecords(text: string, delimiter = ',', quote = '"'): CsvRecord[] {
  const records: CsvRecord[] = []
  let at = 0
  let line = 1
  while (at < text.length) {
    const first = line
    const fields: string[] = []
    for (let isEnd = false; !isEnd; ) {
      let field = ''
      if (text[at] === quote) {
        for (at++; at < text.length; at++) {
          if (text[at] === quote) {
            if (text[at + 1] !== quote) break
            at++
          } else if (text[at] === '\n') line++
          field += text[at]
        }
        at++
      } else {
        const from = at
        while (at < text.length && text[at] !== delimiter && text[at] !== '\n') at++
        field = text.slice(from, at)
      }
      fields.push(field)
      isEnd = text[at] !== delimiter
      at++
    }
    line++
    records.push({ line: first, fields })
  }
  return records
}
