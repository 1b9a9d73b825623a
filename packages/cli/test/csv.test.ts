/** Answers as CSV: what a spreadsheet would run is defused, and numbers keep their digits and sign. */
import { expect, it } from 'vitest'
import { csvHeader, csvLine } from '../src/console/csv.ts'

it('defuses formulas in text and in names, and leaves negative numbers and all digits alone', () => {
  const columns = [
    { name: '=name', type: 'string' },
    { name: 'n', type: 'bigint' },
    { name: 'price', type: 'decimal(10,2)' },
  ]
  const rows = [
    ['=HYPERLINK("x")', '9007199254740993', '-12.30'],
    ['-1+1', '-9007199254740993', null],
    ['a, "b"\n', '0', '0.00'],
    // What a document holds in place of a number.
    ['@x', '=1+1', '-1+1'],
  ]
  expect(csvHeader(columns) + rows.map((row) => csvLine(columns, row)).join('')).toBe(
    '\'=name,n,price\r\n"\'=HYPERLINK(""x"")",9007199254740993,-12.30\r\n' +
      '\'-1+1,-9007199254740993,\r\n"a, ""b""\n",0,0.00\r\n\'@x,\'=1+1,\'-1+1\r\n',
  )
})
