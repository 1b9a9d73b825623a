import { expect, test } from 'vitest'
import { readCsv } from '../csv-read.ts'
import { judge, judged } from './judge.ts'
import { pollutions } from './pollutions.ts'
import { randomOf, schema } from './tables.ts'

test.each(Object.keys(pollutions))('%s: read, reported or refused, never wrong', async (name) => {
  for (let i = 0; i < 25; i++) {
    const polluted = pollutions[name]!(randomOf(i))
    const outcome = await judge(polluted)
    if (typeof outcome !== 'string') expect.fail(`${outcome.wrong}\n${Buffer.from(polluted.bytes).toString('latin1')}`)
  }
})

test('a row that is lost, changed or invented is seen', async () => {
  const polluted = { ...pollutions['nothing']!(randomOf(7)), isClean: false }
  const { rows, bad } = await readCsv(polluted.bytes, schema)
  expect(rows.length).toBeGreaterThan(3)
  expect(judged(polluted, { rows, bad })).toBe('equal')
  const wrong = { wrong: expect.any(String) }
  expect(judged(polluted, { rows: rows.slice(1), bad })).toEqual(wrong)
  expect(judged(polluted, { rows: [...rows, rows[0]!], bad })).toEqual(wrong)
  expect(judged(polluted, { rows: rows.with(1, { ...rows[1], name: 'other' }), bad })).toEqual(wrong)
  const other = [{ position: 0, code: 'bad', bytes: 'something else' }]
  expect(judged(polluted, { rows: rows.slice(2), bad: other })).toEqual(wrong)
})
