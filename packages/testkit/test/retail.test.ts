import { parse } from 'csv-parse/sync'
import { describe, expect, it } from 'vitest'
import { retailSample } from '../src/retail.ts'

type Line = { InvoiceNo: string; Description: string; InvoiceDate: string; CustomerID: string; Quantity: string }

describe('the generated retail sample', () => {
  const bytes = retailSample({ rows: 20_000, seed: 7 })
  const text = Buffer.from(bytes).toString('latin1')
  const lines = parse(text, { columns: true }) as Line[]

  it('has the requested number of rows, every line ending in CRLF', () => {
    expect(lines).toHaveLength(20_000)
    expect(text.split('\r\n')).toHaveLength(20_002)
    expect(text.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/)
  })
  it('is the same for the same seed and different for another', () => {
    expect(Buffer.compare(retailSample({ rows: 20_000, seed: 7 }), bytes)).toBe(0)
    expect(Buffer.compare(retailSample({ rows: 20_000, seed: 8 }), bytes)).not.toBe(0)
  })
  it('has every shape that makes the real file hard to read', () => {
    const count = (is: (line: Line) => boolean) => lines.filter(is).length
    expect(count((l) => l.CustomerID === '')).toBeGreaterThan(3_000)
    expect(count((l) => l.Description === '')).toBeGreaterThan(5)
    expect(count((l) => l.InvoiceNo.startsWith('C'))).toBeGreaterThan(100)
    expect(count((l) => l.Description.includes(','))).toBeGreaterThan(50)
    expect(count((l) => l.Description.includes('"'))).toBeGreaterThan(5)
    expect(count((l) => l.Description.includes('£'))).toBeGreaterThan(0)
    expect(bytes.includes(0xa3)).toBe(true)
    expect(bytes.includes(0xc2)).toBe(false)
    expect(new Set(text.split('\r\n')).size).toBeLessThan(19_950)
    expect(count((l) => Number(l.Quantity) < 0)).toBeGreaterThan(100)
  })
  it('has as many bad dates as requested', () => {
    const bad = lines.filter(
      (l) =>
        !/^([1-9]|1[0-2])\/\d+\/201[01] ([0-9]|1\d|2[0-3]):\d\d$/.test(l.InvoiceDate) ||
        /^(2\/30|6\/31)/.test(l.InvoiceDate),
    )
    expect(bad).toHaveLength(5)
    expect(parse(Buffer.from(retailSample({ rows: 1_000, badDates: 0 })), { columns: true })).toHaveLength(1_000)
  })
})
