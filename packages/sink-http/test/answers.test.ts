import type { Row } from '@millrace/core'
import { describe, expect, it } from 'vitest'
import { type Answers, answerProblems } from '../src/answers.ts'
import { failuresOf, type Got, listen, post, rowsOf } from './posting.ts'

const accepted = ['2xx', 'true']
const again = ['408', '425', '429', '5xx']
/** `answers` with its defaults. */
const declared = (answers: Partial<Answers>): Answers => ({ lists: 'all', accepted, again, ...answers }) as Answers
const rowsIn = ({ body }: Got): Row[] => JSON.parse(body) as Row[]
const numbersIn = (got: Got) => rowsIn(got).map((row) => row['n'])

/** Posts ten rows as arrays to a server whose answers are as declared; what failed, and what the server got. */
async function posted(
  answers: Partial<Answers>,
  answer: (rows: Row[], got: Got) => { status?: number; body: unknown } | number,
  { rows = rowsOf(10), ...more }: { rows?: Row[]; batch?: number; order?: string; body?: string } = {},
) {
  const { url, got } = await listen((one) => {
    const parsed = JSON.parse(one.body) as Row | Row[]
    const reply = answer([parsed].flat(), one)
    return typeof reply === 'number' ? reply : { status: 200, ...reply }
  })
  const error = await post(url, rows, { body: 'array', order: 'strict', ...more, answers: declared(answers) })
  return { error, got, failures: failuresOf(error) }
}
/** Whether a row is bad. */
const bad = ({ n }: Row) => n === 3 || n === 7

describe('answers in the form of other services', () => {
  type Form = readonly [
    what: string,
    answers: Partial<Answers>,
    item: (row: Row, index: number) => unknown,
    wrap: ((items: unknown[]) => unknown) | undefined,
    code: string,
  ]
  const forms: readonly Form[] = [
    [
      'a status per item and an error below it (Elasticsearch)',
      { items: 'items', status: 'index.status', code: 'index.error.type', message: 'index.error.reason' },
      (row) => ({
        index: bad(row)
          ? { status: 400, error: { type: 'mapper_parsing_exception', reason: 'no number' } }
          : { _id: row['n'], status: 201 },
      }),
      (items) => ({ errors: true, items }),
      'mapper_parsing_exception',
    ],
    [
      'success or not, and a list of errors (Salesforce)',
      { status: 'success', code: 'errors.0.statusCode', message: 'errors.0.message' },
      (row) =>
        bad(row)
          ? { success: false, errors: [{ statusCode: 'REQUIRED_FIELD_MISSING', message: 'no number' }] }
          : { success: true, errors: [] },
      undefined,
      'REQUIRED_FIELD_MISSING',
    ],
    [
      'a status as text (FHIR)',
      { items: 'entry', status: 'response.status', message: 'response.outcome' },
      (row) => ({
        response: bad(row) ? { status: '422 Unprocessable', outcome: 'no number' } : { status: '201 Created' },
      }),
      (entry) => ({ entry }),
      'http_422',
    ],
    [
      'words (Mailjet)',
      { items: 'Messages', status: 'Status', accepted: ['success'], message: 'Why' },
      (row) => (bad(row) ? { Status: 'error', Why: 'no number' } : { Status: 'success' }),
      (Messages) => ({ Messages }),
      'refused',
    ],
    [
      'an error or none (Kafka REST)',
      { items: 'offsets', code: 'error_code', message: 'error' },
      (row) => (bad(row) ? { error_code: 50003, error: 'no number' } : { offset: 1, error_code: null, error: null }),
      (offsets) => ({ offsets }),
      '50003',
    ],
    [
      'those that failed, by number (BigQuery)',
      { items: 'insertErrors', lists: 'failed', index: 'index', code: 'errors.0.reason', message: 'errors.0.message' },
      (row, index) => (bad(row) ? { index, errors: [{ reason: 'invalid', message: 'no number' }] } : undefined),
      (insertErrors) => ({ kind: 'x', insertErrors }),
      'invalid',
    ],
    [
      'in any order, by a field (Azure Search)',
      { items: 'value', id: { path: 'key', field: 'n' }, status: 'statusCode', message: 'errorMessage' },
      (row) => ({
        key: String(row['n']),
        statusCode: bad(row) ? 409 : 200,
        errorMessage: bad(row) ? 'no number' : null,
      }),
      (value) => ({ value: value.toReversed() }),
      'http_409',
    ],
  ]
  it.each(forms)('%s', async (_what, answers, item, wrap = (items) => items, code) => {
    const { failures, error, got } = await posted(answers, (rows) => ({ body: wrap(rows.map(item).filter(Boolean)) }))
    expect(failures).toEqual([
      [3, 'data', code],
      [7, 'data', code],
    ])
    for (const { message } of error!.failures) expect(message).toMatch(/127.0.0.1:\d+: no number$/)
    expect(got).toHaveLength(1)
    const sound = await posted(answers, (rows) => ({ status: 207, body: wrap(rows.map(item).filter(Boolean)) }), {
      rows: rowsOf(3),
    })
    expect(sound).toMatchObject({ error: undefined, got: { length: 1 } })
  })

  it('names the field at fault', async () => {
    const { error } = await posted({ status: 'ok', field: 'error.path' }, (rows) => ({
      body: rows.map((row) => ({ ok: !bad(row), error: { path: 'invoice' } })),
    }))
    expect(error!.failures.map(({ index, field }) => [index, field])).toEqual([
      [3, 'invoice'],
      [7, 'invoice'],
    ])
  })

  it('one outcome, of one record', async () => {
    const { failures } = await posted(
      { status: 'ok', code: 'error' },
      ([row]) => ({ body: bad(row!) ? { ok: false, error: 'invalid_blocks' } : { ok: true } }),
      { body: 'object' },
    )
    expect(failures).toEqual([
      [3, 'data', 'invalid_blocks'],
      [7, 'data', 'invalid_blocks'],
    ])
  })
})

describe('an outcome that may change', () => {
  const answer = (rows: Row[]) => ({ body: rows.map(({ n }) => ({ status: n === 3 ? 429 : n === 5 ? 400 : 200 })) })
  it('is that of a record to be sent again; the others are delivered', async () => {
    const { failures } = await posted({ status: 'status' }, answer, { order: 'none' })
    expect(failures).toEqual([
      [3, 'system', 'http_429'],
      [5, 'data', 'http_400'],
    ])
  })
  it('has what follows in its order sent again after it', async () => {
    const { failures, got } = await posted({ status: 'status' }, answer, { rows: rowsOf(12), batch: 8 })
    expect(failures.filter(([, kind]) => kind === 'data')).toEqual([[5, 'data', 'http_400']])
    expect(failures.filter(([, kind]) => kind === 'system').map(([index]) => index)).toEqual([3, 4, 6, 7, 8, 9, 10, 11])
    expect(got).toHaveLength(1)
  })
  it('may be known by its code', async () => {
    const { failures } = await posted(
      { code: 'ErrorCode', again: ['ServiceUnavailableException'] },
      (rows) => ({
        body: rows.map((row) =>
          bad(row) ? { ErrorCode: row['n'] === 3 ? 'ServiceUnavailableException' : 'Other' } : {},
        ),
      }),
      { order: 'none' },
    )
    expect(failures).toEqual([
      [3, 'system', 'ServiceUnavailableException'],
      [7, 'data', 'Other'],
    ])
  })
})

it('after a refusal that names records, the others are sent again alone', async () => {
  const { failures, got } = await posted({ items: 'results', status: 'status' }, (rows) => ({
    status: rows.some(bad) ? 400 : 200,
    body: { results: rows.map((row) => ({ status: bad(row) ? 422 : 200 })) },
  }))
  expect(failures).toEqual([
    [3, 'data', 'http_422'],
    [7, 'data', 'http_422'],
  ])
  expect(got.map((one) => rowsIn(one).length)).toEqual([10, 8])
})

it('after one that names none, they are halved', async () => {
  const { failures, got } = await posted({ items: 'results', status: 'status' }, (rows) =>
    rows.some(bad) ? { status: 400, body: 'no' } : { body: { results: rows.map(() => ({ status: 200 })) } },
  )
  expect(failures.map(([index]) => index)).toEqual([3, 7])
  expect(got.length).toBeLessThan(15)
})

it('records that share the value of `id` are sent apart where the answer does not tell them apart', async () => {
  const { failures, got } = await posted(
    { items: 'failed', lists: 'failed', id: { path: 'invoice', field: 'invoice' }, code: 'why' },
    (rows) => ({ body: { failed: rows.filter(bad).map((row) => ({ invoice: row['invoice'], why: 'bad' })) } }),
  )
  expect(failures).toEqual([
    [3, 'data', 'bad'],
    [7, 'data', 'bad'],
  ])
  // Invoice 2 and 3 each have two of the ten records.
  expect(
    got
      .slice(1)
      .flatMap(numbersIn)
      .every((n) => [2, 3, 7, 8].includes(n as number)),
  ).toBe(true)
})

describe('an answer that does not account for every record stops the run', () => {
  const all = { items: 'results', status: 'status' }
  const ok = (n: number) => Array.from({ length: n }, () => ({ status: 200 }))
  const cases: readonly (readonly [what: string, answers: Partial<Answers>, body: unknown])[] = [
    ['fewer outcomes than records', all, { results: ok(9) }],
    ['more outcomes than records', all, { results: ok(11) }],
    ['no list', all, { result: ok(10) }],
    ['an outcome without a status', all, { results: [...ok(9), {}] }],
    ['an outcome that is no object', all, { results: [...ok(9), null] }],
    ['no JSON', all, '<html>welcome</html>'],
    ['nothing', all, ''],
    ['a number of no record', { lists: 'failed', index: 'at' }, [{ at: 10 }]],
    ['a record that is named twice', { index: 'at', status: 'status' }, ok(10).map((one) => ({ ...one, at: 1 }))],
    ['an unknown `id`', { lists: 'failed', id: { path: 'n', field: 'n' } }, [{ n: 77 }]],
  ]
  it.each(cases)('%s', async (_what, answers, body) => {
    const { error, got } = await posted(answers, () => ({ body }))
    expect(error).toMatchObject({ name: 'SystemError', code: 'answer_mismatch', retry: false })
    expect(got).toHaveLength(1)
  })
  it('and one that is too large', async () => {
    const { error } = await posted(all, () => ({ body: 'x'.repeat(9 << 20) }))
    expect(error).toMatchObject({ name: 'SystemError', code: 'answer_too_large', retry: false })
  })
  it('but a list of those that failed may be missing', async () => {
    const failed: Partial<Answers> = { items: 'errors', lists: 'failed', index: 'index' }
    for (const body of ['', {}, { errors: null }, { errors: [] }])
      expect((await posted(failed, () => ({ body }))).error).toBeUndefined()
  })
})

it('`answers` that cannot be understood are findings', () => {
  const at = (answers: Partial<Answers>) =>
    answerProblems({ answers: declared(answers) }).map((problem) => problem.at.join('.'))
  expect(at({ status: 'status' })).toEqual([])
  expect(at({ items: 'results' })).toEqual(['answers'])
  expect(at({ lists: 'failed', code: 'code' })).toEqual(['answers.lists'])
  expect(at({ index: 'i', id: { path: 'k', field: 'n' }, code: 'code' })).toEqual(['answers.id'])
})
