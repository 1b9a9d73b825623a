import { recordText } from '@millrace/core'
import { describe, expect, it } from 'vitest'
import { parseDates } from '../src/parse-dates.ts'
import { problems, recordType, run } from './step.ts'

const input = recordType({ InvoiceNo: 'string', InvoiceDate: 'string', Paid: 'string?' })
const row = (InvoiceDate: string, Paid: string | null = null) => ({ InvoiceNo: '1', InvoiceDate, Paid })

describe('parse_dates', () => {
  it('writes dates in another format, in their place among the fields', () => {
    const out = run(
      parseDates,
      { InvoiceDate: { formats: ['M/d/yyyy H:mm'], to: 'yyyy-MM-dd HH:mm:ss', zone: 'UTC' } },
      input,
      [row('12/1/2010 8:26')],
    )
    expect(out.rows).toEqual([{ InvoiceNo: '1', InvoiceDate: '2010-12-01 08:26:00', Paid: null }])
    expect(Object.keys(out.rows[0]!)).toEqual(['InvoiceNo', 'InvoiceDate', 'Paid'])
    expect(out.type).toBe('{ InvoiceNo: string, InvoiceDate: string, Paid: string? }')
    expect(out.applied.origins).toBe(undefined)
  })

  it('makes timestamps by default', () => {
    const at = Date.UTC(2010, 11, 1, 8, 26)
    for (const config of ['M/d/yyyy H:mm', ['iso', 'M/d/yyyy H:mm']]) {
      const out = run(parseDates, { InvoiceDate: config }, input, [row('12/1/2010 8:26')])
      expect(out.rows[0]!['InvoiceDate']).toBe(at)
      expect(out.type).toContain('InvoiceDate: timestamp,')
    }
  })

  it('makes days, and reads on the clock of a zone', () => {
    const day = run(parseDates, { InvoiceDate: { formats: 'iso', to: 'date', zone: 'Europe/Berlin' } }, input, [
      row('2010-12-01T23:30:00Z'),
    ])
    expect(day.rows[0]!['InvoiceDate']).toBe('2010-12-02')
    expect(day.type).toContain('InvoiceDate: date')
    const berlin = { InvoiceDate: { formats: ['yyyy-MM-dd HH:mm'], to: 'timestamp', zone: 'Europe/Berlin' } }
    const out = run(parseDates, berlin, input, [row('2024-07-01 12:00'), row('2024-03-31 02:30')])
    expect(out.rows.map((r) => r['InvoiceDate'])).toEqual([Date.UTC(2024, 6, 1, 10)])
    expect(out.failed).toMatchObject([{ i: 1, code: 'bad_date', field: 'InvoiceDate' }])
    expect(out.failed[0]!['message']).toBe(
      '"2024-03-31 02:30" does not exist in Europe/Berlin, where clocks are set forward over it',
    )
  })

  it('accepts the hour that a clock shows twice only where the choice is declared', () => {
    const at = (more: object, ...texts: string[]) =>
      run(
        parseDates,
        { InvoiceDate: { formats: ['yyyy-MM-dd HH:mm'], zone: 'Europe/Berlin', to: 'timestamp', ...more } },
        input,
        texts.map((text) => row(text)),
      )
    const twice = at({}, '2024-10-27 02:30', '2024-10-27 02:30')
    expect(twice.rows).toEqual([])
    expect(twice.failed.map(({ code }) => code)).toEqual(['bad_date', 'bad_date'])
    expect(twice.failed[0]!['message']).toMatch('occurs twice in Europe/Berlin')
    const one = (fold: string) => at({ fold }, '2024-10-27 02:30').rows[0]!['InvoiceDate']
    expect([one('earlier'), one('later')]).toEqual([Date.UTC(2024, 9, 27, 0, 30), Date.UTC(2024, 9, 27, 1, 30)])
  })

  it('drops digits finer than a millisecond only where it is told to', () => {
    const text = row('2024-01-02T03:04:05.123456Z')
    const of = (more: object) => run(parseDates, { InvoiceDate: { formats: 'iso', ...more } }, input, [text])
    expect(of({}).failed[0]!['message']).toMatch('finer than a millisecond')
    expect(of({ fraction: 'truncate' }).rows[0]!['InvoiceDate']).toBe(Date.UTC(2024, 0, 2, 3, 4, 5, 123))
  })

  it('fails a record that fits no format, and passes the others with their origins', () => {
    const rows = [row('12/1/2010 8:26'), row('1.12.2010 8:26'), row('2/30/2010 8:26'), row('12/2/2010 8:26')]
    const out = run(parseDates, { InvoiceDate: ['M/d/yyyy H:mm'] }, input, rows)
    expect(out.origins).toEqual([0, 3])
    expect(out.failed).toEqual([
      {
        i: 1,
        code: 'bad_date',
        field: 'InvoiceDate',
        message: '"1.12.2010 8:26" is not a date: expected M/d/yyyy H:mm',
      },
      {
        i: 2,
        code: 'bad_date',
        field: 'InvoiceDate',
        message: '"2/30/2010 8:26" is not a date: expected M/d/yyyy H:mm',
      },
    ])
  })

  it('leaves null as it is', () => {
    const out = run(parseDates, { InvoiceDate: 'M/d/yyyy', Paid: 'M/d/yyyy' }, input, [
      row('1/1/1970'),
      row('1/2/1970', '1/3/1970'),
      { InvoiceNo: '2', InvoiceDate: '1/1/1970' },
    ])
    expect(out.rows.map((r) => r['Paid'])).toEqual([null, 172_800_000, null])
    expect(out.type).toContain('Paid: timestamp?')
  })

  it('reads epoch numbers, and writes existing timestamps and dates', () => {
    const typed = recordType({ s: 'integer', ms: 'bigint', at: 'timestamp', day: 'date' })
    const config = {
      s: 'epoch_s',
      ms: ['epoch_ms'],
      at: { to: 'd MMM yyyy H:mm', zone: 'Asia/Tokyo' },
      day: { to: 'timestamp', zone: 'Europe/Berlin' },
    }
    const out = run(parseDates, config, typed, [{ s: 1, ms: 1n, at: 0, day: '1970-01-02' }])
    expect(out.rows).toEqual([{ s: 1000, ms: 1, at: '1 Jan 1970 9:00', day: 82_800_000 }])
    expect(out.type).toBe('{ s: timestamp, ms: timestamp, at: string, day: timestamp }')
  })

  it('keeps fields that the schema does not name', () => {
    const open = recordType({ InvoiceDate: 'string' }, true)
    const out = run(parseDates, { InvoiceDate: 'M/d/yyyy' }, open, [{ more: 1, InvoiceDate: '1/1/1970' }])
    expect(out.rows).toEqual([{ InvoiceDate: 0, more: 1 }])
    expect(out.type).toBe('{ InvoiceDate: timestamp, ... }')
  })

  it('reports what is wrong with its config', () => {
    const typed = recordType({
      InvoiceDate: 'string',
      Quantity: 'integer',
      price: 'number',
      at: 'timestamp',
      day: 'date',
    })
    expect(problems(parseDates, { invoicedate: 'M/d/yyyy' }, typed)).toEqual([
      'unknown_field invoicedate (key): the records have no field `invoicedate` here',
    ])
    expect(problems(parseDates, { InvoiceDate: ['M/d/yyyy', 'yyyy-mm-dd'] }, typed)).toEqual([
      'bad_date_format InvoiceDate.1: "yyyy-mm-dd" has no month: write `M` or `MM` (`m` is minutes)',
    ])
    const wrong = { formats: ['M/d/yy', 'D'], to: 'YYYY', zone: 'Berlin' }
    expect(problems(parseDates, { InvoiceDate: wrong }, typed).map((text) => text.split(':')[0])).toEqual([
      'bad_date_format InvoiceDate.formats.1',
      'bad_date_format InvoiceDate.to',
      'unknown_zone InvoiceDate.zone',
    ])
    expect(problems(parseDates, { InvoiceDate: { to: 'date' } }, typed)).toEqual([
      'missing_key InvoiceDate: `formats` of `InvoiceDate` is missing',
    ])
    expect(problems(parseDates, { Quantity: 'M/d/yyyy' }, typed)).toEqual([
      'wrong_type Quantity (key): `Quantity` is a number',
    ])
    expect(problems(parseDates, { price: 'epoch_s' }, typed)).toEqual(['wrong_type price (key): `price` is not text'])
    expect(problems(parseDates, { at: 'iso' }, typed)).toEqual(['wrong_type at (key): `at` is already a timestamp'])
    expect(problems(parseDates, { day: { to: 'date' } }, typed)).toEqual([
      'wrong_type day (key): `day` is already a date',
    ])
  })

  it('can be pushed into a source as far as that reads text of known columns', () => {
    const columns = [
      { name: 'no', from: 'InvoiceNo' },
      { name: 'InvoiceDate', from: 'InvoiceDate' },
    ]
    const push = (config: unknown, type = input) => run(parseDates, config, type, []).inference.push!(columns, 'dates')
    expect(push({ InvoiceDate: { formats: ['iso'], to: 'date', zone: 'UTC' } })).toEqual([
      { name: 'no', from: 'InvoiceNo' },
      {
        name: 'InvoiceDate',
        from: 'InvoiceDate',
        date: { step: 'dates', formats: ['iso'], zone: 'UTC', to: 'yyyy-MM-dd', field: 'InvoiceDate', order: 0 },
      },
    ])
    expect(push({ InvoiceDate: 'iso' })![1]!.date).toEqual({
      step: 'dates',
      formats: ['iso'],
      zone: 'UTC',
      field: 'InvoiceDate',
      order: 0,
    })
    expect(push({ InvoiceDate: 'epoch_s' }, recordType({ InvoiceDate: 'integer' }))).toBe(undefined)
    expect(push({ InvoiceDate: 'iso' }, recordType({ InvoiceDate: 'string' }, true))).toBe(undefined)
    const before = [
      { name: 'InvoiceDate', from: 'InvoiceDate', date: { step: 'x', formats: ['iso'], zone: 'UTC', to: 'iso' } },
    ]
    expect(
      run(parseDates, { InvoiceDate: 'iso' }, recordType({ InvoiceDate: 'string' }), []).inference.push!(
        before,
        'dates',
      ),
    ).toBe(undefined)
  })

  it('types its output even where the config is wrong, so later steps are checked too', () => {
    const inference = parseDates.infer({ InvoiceDate: 'D' }, { input } as never)
    expect(recordText(inference.output!)).toContain('InvoiceDate: timestamp')
  })
})
