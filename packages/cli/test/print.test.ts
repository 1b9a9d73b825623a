import { describe, expect, it } from 'vitest'
import { type Printable, printFindings } from '../src/print/finding.ts'
import { progressText, showProgress } from '../src/print/progress.ts'
import { bytes, cell, rowTable, span, table } from '../src/print/table.ts'
import type { Io } from '../src/io.ts'

const finding: Printable = {
  code: 'unknown_field',
  severity: 'error',
  message: 'there is no field `Quantty`',
  file: 'pipelines/a.yaml',
  line: 2,
  col: 12,
  endLine: 2,
  endCol: 19,
  hint: 'did you mean `Quantity`?',
}

function printed(format: Parameters<typeof printFindings>[1]): string {
  let all = ''
  const io = { out: (text: string) => void (all += text), err: (text: string) => void (all += text) } as Io
  printFindings([finding], format, io, () => 'steps:\n  - where: Quantty > 0\n')
  return all
}

describe('findings', () => {
  it('show the line, the place in it, and what to do', () => {
    expect(printed('text')).toBe(
      'pipelines/a.yaml:2:12  error unknown_field\n  there is no field `Quantty`\n  2 |   - where: Quantty > 0\n    |            ^^^^^^^\n  did you mean `Quantity`?\n\n',
    )
  })

  it('are printed as GitHub annotations, as SARIF and as JSON', () => {
    expect(printed('github')).toBe(
      '::error file=pipelines/a.yaml,line=2,col=12,title=unknown_field::there is no field `Quantty` — did you mean `Quantity`?\n',
    )
    expect(JSON.parse(printed('sarif'))).toMatchObject({
      version: '2.1.0',
      runs: [{ results: [{ ruleId: 'unknown_field', level: 'error' }] }],
    })
    expect(JSON.parse(printed('json'))).toEqual({ ok: false, findings: [finding] })
  })
})

describe('numbers for people', () => {
  it('carry their unit', () => {
    expect([0, 1023, 1024, 45_580_638].map(bytes)).toEqual(['0 B', '1023 B', '1.00 KiB', '43.5 MiB'])
    expect([850, 12_300, 250_000, 7_500_000].map(span)).toEqual(['850 ms', '12.3 s', '4 min 10 s', '2 h 5 min'])
  })
})

describe('tables', () => {
  it('align numbers to the right and truncate what is too long', () => {
    expect(
      table(
        [{ title: 'a' }, { title: 'n', right: true }],
        [
          ['x', '1'],
          ['yyyyyyy', '1,000'],
        ],
        5,
      ),
    ).toBe('a          n\nx          1\nyyyy…  1,000\n')
  })

  it('keep control characters in values off the terminal', () => {
    expect(cell('a\u001b[31m\nb')).toBe('a\\u001b[31m\\nb')
    expect(rowTable([{ a: null, b: 12n }])).toBe('a   b\n   12\n')
  })
})

describe('the progress line', () => {
  it('shows records, rate, bytes, share and time left', () => {
    const text = progressText(
      { atMs: 0, records: 0, bytes: 0, totalBytes: 0 },
      { atMs: 5_000, records: 1_000_000, bytes: 50 << 20, totalBytes: 100 << 20 },
    )
    expect(text).toBe('1,000,000 records  200,000/s  50.0 MiB  50 %  5.0 s left')
  })

  it('shows no share while the size is unknown', () => {
    const text = progressText(
      { atMs: 0, records: 0, bytes: 0, totalBytes: 0 },
      { atMs: 1_000, records: 5, bytes: 10, totalBytes: 0 },
    )
    expect(text).toBe('5 records  5/s  10 B')
  })

  it('shows the lag of a stream in records, and in time where it is a second or more', () => {
    const before = { atMs: 0, records: 0, bytes: 0, totalBytes: 0 }
    const now = { atMs: 1_000, records: 5, bytes: 10, totalBytes: 0 }
    expect(progressText(before, { ...now, lag: { records: 12_345, ms: 3_200 } })).toBe(
      '5 records  5/s  10 B  lag 12,345 records, 3.2 s',
    )
    expect(progressText(before, { ...now, lag: { records: 0, ms: 0 } })).toBe('5 records  5/s  10 B  lag 0 records')
  })

  it('mentions a system that has been failing for a second, once a minute', () => {
    let all = ''
    const line = showProgress({ err: (text: string) => void (all += text), terminal: false } as Io)
    const fails = (sinceMs: number) => {
      all = ''
      const retry = {
        node: 'out',
        doing: 'opening',
        reason: 'no_connection',
        message: 'refused',
        attempt: 5,
        waitMs: 800,
        forMs: 30_000,
      }
      line.observe('client', { type: 'retry', ...retry, sinceMs })
      return all
    }
    expect([fails(0), fails(300), fails(999)]).toEqual(['', '', ''])
    expect(fails(1200)).toBe('client: out, opening: refused, for 1.2 s; try 6 in 800 ms; giving up after 30.0 s\n')
    expect(fails(2400)).toBe('')
    line.close()
  })
})
