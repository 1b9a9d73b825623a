import { compileExpression, type DataError, interpretExpression, parseRecordType, typeText } from '@millrace/core'
import { describe, expect, test } from 'vitest'

const { type: record } = parseRecordType({
  fields: {
    ms: 'timestamp',
    us: 'timestamp(6)',
    ns: 'timestamp(9)?',
    list: 'list<timestamp(6)>',
  },
})
const us = 1_714_521_600_123_456n
const row = { ms: 1_714_521_600_123, us, ns: us * 1000n, list: [us] }

describe('instants with different digits', () => {
  test.each([
    ['ms < us', true],
    ['us > ms', true],
    ['us <= ms', false],
    ['us == ns', true],
    ['ms != us', true],
    ['timestamp(us) == ms', true],
    ['us in [ms, ns]', true],
    ['ms in list', false],
    // Elements are not converted.
    ['ns in list', undefined],
    ['us in list', true],
    ['us == timestamp("2024-05-01T00:00:00.123456Z")', true],
    ['us > timestamp("2024-05-01T00:00:00.123Z")', true],
    ['ns == timestamp("2024-05-01T02:00:00.123456000+02:00")', true],
    ['timestamp("2024-05-01T00:00:00.1234Z") < us', true],
    ['string(coalesce(ns, us))', '2024-05-01T00:00:00.123456000Z'],
    ['string(true ? ms : us)', '2024-05-01T00:00:00.123000Z'],
    ['timestamp(timestamp("1969-12-31T23:59:59.999999Z")) == timestamp("1969-12-31T23:59:59.999Z")', true],
    // Nanoseconds in 64 bits end in the year 2262: each record fails, and the check does not.
    ['ns != null && ns < timestamp("2300-01-01T00:00:00Z")', 'out_of_range'],
  ])('%s is %s', (text, expected) => {
    const compiled = compileExpression(text, record)
    const twin = interpretExpression(text, record)
    if (expected === undefined) return expect([compiled.ok, twin.ok]).toEqual([false, false])
    if (!compiled.ok) throw new Error(compiled.problems.map(({ message }) => message).join('\n'))
    if (!twin.ok) throw new Error('only the twin refuses it')
    for (const { evaluate } of [compiled, twin]) {
      let value: unknown
      try {
        value = evaluate(row)
      } catch (error) {
        value = (error as DataError).code
      }
      expect(value).toBe(expected)
    }
  })

  test('have the finer of the types', () => {
    const typeOf = (text: string) => {
      const compiled = compileExpression(text, record)
      return compiled.ok ? typeText(compiled.type) : compiled.problems[0]!.code
    }
    expect(
      ['coalesce(ns, ms)', '[ms, us]', 'timestamp("2024-05-01T00:00:00.1234567Z")', 'timestamp(us)'].map(typeOf),
    ).toEqual(['timestamp(9)', 'list<timestamp(6)>', 'timestamp(9)', 'timestamp'])
  })
})
