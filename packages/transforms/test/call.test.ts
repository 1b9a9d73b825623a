import { join } from 'node:path'
import type { MillraceError, Row } from '@millrace/core'
import { describe, expect, it } from 'vitest'
import { call } from '../src/call/index.ts'
import { apply, problems, recordType, stepContext } from './step.ts'

const root = join(import.meta.dirname, 'functions')
const input = recordType({ no: 'string', lines: { list: { fields: { sku: 'string', quantity: 'integer' } } } })
const invoice = (no: string, ...quantities: number[]) => ({
  no,
  lines: quantities.map((quantity, i) => ({ sku: `s${i}`, quantity })),
})

async function called(
  name: string,
  output: Record<string, unknown>,
  rows: readonly Row[],
  more: { returns?: 'rows'; open?: boolean } = {},
) {
  const config = {
    function: `./invoices.ts#${name}`,
    output: recordType(output, more.open),
    returns: more.returns ?? ('row' as const),
  }
  const step = call.create(config, stepContext(input, { root, resolve: (path) => join(root, path) }))
  await step.prepare!({ signal: new AbortController().signal })
  return apply(step, rows)
}
const pieces = { no: 'string', pieces: 'integer' }

describe('call', () => {
  it('makes a record from each with a function of the project; null filters it out', async () => {
    const out = await called('total', pieces, [invoice('a', 1, 2), invoice('b'), invoice('c', 5)])
    expect(out.rows).toEqual([
      { no: 'a', pieces: 3 },
      { no: 'c', pieces: 5 },
    ])
    expect(out.origins).toEqual([0, 2])
    expect(out.failed).toEqual([])
  })

  it('uses the default export where no name is given', async () => {
    const step = call.create(
      { function: './invoices.ts', output: recordType(pieces), returns: 'row' },
      stepContext(input, { root, resolve: (path) => join(root, path) }),
    )
    await step.prepare!({ signal: new AbortController().signal })
    expect(apply(step, [invoice('a', 1)]).rows).toEqual([{ no: 'a', pieces: 1 }])
  })

  it('makes several records from one where it is configured to', async () => {
    const out = await called(
      'lines',
      { no: 'string', sku: 'string' },
      [invoice('a', 1, 2), invoice('b'), invoice('c', 5)],
      { returns: 'rows' },
    )
    expect(out.rows).toEqual([
      { no: 'a', sku: 's0' },
      { no: 'a', sku: 's1' },
      { no: 'c', sku: 's0' },
    ])
    expect(out.origins).toEqual([0, 0, 2])
    const multiplies = call.multiplies as (options: unknown) => boolean
    expect([multiplies({ returns: 'rows' }), multiplies({ returns: 'row' })]).toEqual([true, false])
  })

  it('passes the function a copy, which it may change', async () => {
    const row = invoice('a', 1)
    const out = await called('changes', pieces, [row])
    expect(out.rows).toEqual([{ no: 'changed a', pieces: 0 }])
    expect(row).toEqual(invoice('a', 1))
  })

  it('copies nested values too', async () => {
    const typed = recordType({ no: 'string', lines: 'json', raw: 'bytes' }, true)
    const row = () => ({ ...invoice('a', 1, 2), raw: Buffer.from([1, 2]), more: { list: ['kept'] } })
    const step = call.create(
      { function: './invoices.ts#empties', output: recordType(pieces), returns: 'row' },
      stepContext(typed, { root, resolve: (path) => join(root, path) }),
    )
    await step.prepare!({ signal: new AbortController().signal })
    const given = row()
    expect(apply(step, [given]).rows).toEqual([{ no: 'a', pieces: 2 }])
    expect(given).toEqual(row())
  })

  it('keeps values out of the reach of the function that returned them', async () => {
    const out = await called('reuses', { raw: 'bytes', doc: 'json' }, [invoice('1'), invoice('2')])
    expect(out.rows).toEqual([1, 2].map((n) => ({ raw: new Uint8Array([n]), doc: { at: { n } } })))
  })

  it('fails a record for which the function throws', async () => {
    const out = await called('refuses', pieces, [
      invoice('a', 1),
      invoice('own'),
      invoice('nothing'),
      invoice('nameless'),
    ])
    expect(out.failed).toEqual([
      { i: 0, code: 'call_failed', message: './invoices.ts#refuses threw TypeError: lines is not iterable' },
      { i: 1, code: 'no_lines', field: 'lines', message: 'an invoice without lines' },
      { i: 2, code: 'call_failed', message: './invoices.ts#refuses threw a value that cannot be converted to text' },
      { i: 3, code: 'call_failed', message: './invoices.ts#refuses threw DataError: no code' },
    ])
  })

  const typed = {
    s: 'string?',
    i: 'integer?',
    big: 'bigint?',
    n: 'number?',
    d: 'decimal(10,2)?',
    day: 'date?',
    at: 'timestamp?',
    bytes: 'bytes?',
    l: 'list<integer>?',
    o: { fields: { a: 'string' }, optional: true },
    j: 'json?',
  }
  const give = async (value: unknown, output: Record<string, unknown> = typed) => {
    const step = call.create(
      { function: './invoices.ts#echo', output: recordType(output), returns: 'row' },
      // Declared as text, the value gets to the function as it is.
      stepContext(recordType({ value: 'string' }), { root, resolve: (path) => join(root, path) }),
    )
    await step.prepare!({ signal: new AbortController().signal })
    return apply(step, [{ value: { give: value } as never }])
  }

  it('accepts values in the one form of their types, in the order of the schema', async () => {
    const value = {
      at: 5,
      s: '',
      i: 1,
      big: 1n,
      n: 0.5,
      d: '-0.50',
      day: '2012-02-29',
      bytes: new Uint8Array(1),
      l: [1],
      o: { a: 'x' },
      j: { any: [null] },
    }
    const out = await give(value)
    expect(out.failed).toEqual([])
    expect(out.rows).toEqual([value])
    expect(Object.keys(out.rows[0]!)).toEqual(Object.keys(typed))
    expect((await give({})).rows[0]).toMatchObject({ s: null, j: null })
    expect((await give({ i: -0, at: -0 })).rows[0]).toMatchObject({ i: 0, at: 0 })
  })

  it.each<[string, unknown, string | undefined, string]>([
    ['a number as text', { s: 5 }, 's', 'is 5: expected string'],
    ['a fraction', { i: 1.5 }, 'i', 'is 1.5: expected integer, a whole number within +-(2^53-1)'],
    ['a number as bigint', { big: 1 }, 'big', 'is 1: expected bigint'],
    ['a bigint beyond 64 bits', { big: 2n ** 63n }, 'big', 'expected bigint, a bigint of 64 bits'],
    ['NaN', { n: Number.NaN }, 'n', 'is NaN: expected number'],
    [
      'a decimal in another form',
      { d: '0.5' },
      'd',
      'is "0.5": expected decimal(10,2), text with 2 digits after the point',
    ],
    ['a Date as timestamp', { at: new Date(0) }, 'at', 'is a Date: expected timestamp, whole ms since'],
    ['30 February', { day: '2010-02-30' }, 'day', 'expected date, text as yyyy-MM-dd'],
    ['an item of a list', { l: [1, 'x'] }, 'l[1]', 'is "x": expected integer'],
    ['null in a list', { l: [null] }, 'l[0]', 'is missing: expected integer'],
    ['a hole in a list', { l: new Array<number>(1) }, 'l[0]', 'is missing: expected integer'],
    ['a hole in json', { j: [new Array<number>(1)] }, 'j', 'is a list: expected json, a JSON value'],
    ['a field inside an object', { o: { a: 1 } }, 'o.a', 'is 1: expected string'],
    ['a missing field', { o: {} }, 'o.a', 'is missing: expected string'],
    ['a function in json', { j: { f: () => 0 } }, 'j', 'is an object: expected json, a JSON value'],
    ['a field too many', { more: 1 }, 'more', '`more` is not a field of the declared output'],
    ['a list', [{ s: 'x' }], undefined, 'returned a list: expected a record'],
    ['text', 'x', undefined, 'returned "x": expected a record'],
    ['an instance', new Map(), undefined, 'returned an instance of a class'],
  ])('refuses %s', async (_, value, field, message) => {
    const out = await give(value)
    expect(out.rows).toEqual([])
    expect(out.failed).toMatchObject([{ i: 0, code: 'bad_result', ...(field ? { field } : {}) }])
    expect(out.failed[0]!.message).toContain(message)
  })

  it('refuses a function that returns a promise, and one that returns a record instead of a list', async () => {
    expect((await called('async', pieces, [invoice('a')])).failed[0]).toMatchObject({
      code: 'bad_result',
      message: './invoices.ts#async returned a promise: a function is synchronous',
    })
    const unhandled: unknown[] = []
    const heard = (reason: unknown) => void unhandled.push(reason)
    process.on('unhandledRejection', heard)
    expect((await called('rejects', pieces, [invoice('a')])).failed[0]!.code).toBe('bad_result')
    await new Promise((resolve) => setTimeout(resolve, 10))
    process.off('unhandledRejection', heard)
    expect(unhandled).toEqual([])
    const out = await called('total', pieces, [invoice('a', 1)], { returns: 'rows' })
    expect(out.failed[0]!.message).toBe('./invoices.ts#total returned a record: expected a list of records')
    const holes = await called('holes', pieces, [invoice('a')], { returns: 'rows' })
    expect(holes).toMatchObject({
      rows: [],
      failed: [{ message: 'the function returned undefined: expected a record' }],
    })
  })

  it('reports before the first record what cannot be loaded', async () => {
    const load = (reference: string) => {
      const step = call.create(
        { function: reference, output: recordType(pieces), returns: 'row' },
        stepContext(input, { resolve: (path) => join(root, path) }),
      )
      return step.prepare!({ signal: new AbortController().signal }).then(
        () => 'loaded',
        ({ code, message, hint }: MillraceError) => `${code} | ${message} | ${hint}`,
      )
    }
    expect(await load('./nowhere.ts#total')).toBe(
      'function_missing | step: there is no file ./nowhere.ts | paths are relative to the project folder',
    )
    expect(await load('./invoices.ts#totals')).toMatch(
      /^function_missing \| step: \.\/invoices\.ts exports no `totals` \| it exports .*total/,
    )
    expect(await load('./invoices.ts#number')).toMatch(
      /^function_missing \| step: `number` of \.\/invoices\.ts is not a function/,
    )
    expect(await load('./broken.ts#x')).toBe(
      'function_broken | step: ./broken.ts cannot be loaded: nothing works here | undefined',
    )
  })

  it('reports what is wrong with its config', () => {
    const wrong = (reference: string, output: Record<string, unknown> = pieces) =>
      problems(call, { function: reference, output: recordType(output), returns: 'row' }, input, {
        root,
        resolve: (path) => join(root, path),
      })
    expect(wrong('./invoices.ts#total')).toEqual([])
    expect(wrong('total')).toEqual(['bad_value function: `total` does not name a TypeScript or JavaScript file'])
    expect(wrong('../call.test.ts#x')).toEqual(['bad_value function: `../call.test.ts` is outside the project'])
    expect(wrong('./invoices.ts#a.b')).toEqual(['bad_value function: `a.b` is not a valid function name'])
    expect(wrong('./invoices.ts#total', {})).toEqual(['bad_value output: the output has no fields'])
  })
})
