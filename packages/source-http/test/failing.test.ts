/** Records that fail after they were let in, and those that go to the dead letter. */
import { PartialWriteError, type Row, type WriteFailure } from '@millrace/core'
import { beforeEach, describe, expect, it } from 'vitest'
import { sourceHttp } from '../src/source.ts'
import { configOf, contextOf, type Gateway, gateway, good, schema } from './run-gateway.ts'

let { home, letters, start, stop, post } = {} as Gateway
beforeEach(async () => {
  ;({ home, letters, start, stop, post } = await gateway())
})

/** The store refuses invoices of this number, until it is mended. */
const refusing = (no: string) => {
  const state = { isMended: false }
  const onWrite = (_ids: readonly string[], rows: readonly Row[]) => {
    if (state.isMended) return
    const failures = rows.flatMap((row, index): WriteFailure[] =>
      row['InvoiceNo'] === no
        ? [{ index, kind: 'data', code: 'null_key', field: 'InvoiceNo', message: 'the key InvoiceNo is null' }]
        : [],
    )
    if (failures.length > 0) throw new PartialWriteError(failures)
  }
  return { state, onWrite }
}
const failure = { code: 'null_key', field: 'InvoiceNo', message: 'the key InvoiceNo is null' }

describe('a record that a sink cannot take', () => {
  it('is answered 422 with field and code, and its key is free: corrected or repeated it is taken again', async () => {
    const { state, onWrite } = refusing('i1')
    await start({ onWrite, sinkOnError: 'drop' })
    const failed = await post(good(1), { 'idempotency-key': 'k1' })
    expect([failed.status, failed.body]).toEqual([
      422,
      { error: 'failed', message: failure.message, errors: [{ item: 0, ...failure }], item: good(1) },
    ])
    expect((await post(good(1), { 'idempotency-key': 'k1' })).status).toBe(422)
    expect((await post(good(2), { 'idempotency-key': 'k1' })).status).toBe(201)
    await post(good(1), { 'idempotency-key': 'k2' })
    state.isMended = true
    expect((await post(good(1), { 'idempotency-key': 'k2' })).status).toBe(201)
    await stop()
    await start({ onWrite, sinkOnError: 'drop' })
    expect((await post(good(1), { 'idempotency-key': 'k3' })).status).toBe(201)
  })

  it('among others is told in a 207 with an outcome for each, which is not remembered', async () => {
    const { state, onWrite } = refusing('i1')
    await start({ onWrite, sinkOnError: 'drop' })
    const several = [good(0), good(1), good(2)]
    const taken = (n: number) => ({ item: n, record: { ...good(n), seen: true }, outcome: 'taken' })
    const first = await post(several, { 'idempotency-key': 'k1' })
    expect([first.status, first.body]).toEqual([
      207,
      [taken(0), { item: 1, outcome: 'failed', errors: [failure] }, taken(2)],
    ])
    const alone = await post([good(1)], { 'idempotency-key': 'k2' })
    expect([alone.status, alone.body]).toEqual([207, [{ item: 0, outcome: 'failed', errors: [failure] }]])
    state.isMended = true
    expect((await post(several, { 'idempotency-key': 'k1' })).status).toBe(201)
  })
})

describe('an item that goes to the dead letter', () => {
  it('is one letter, whatever number of faults it has, and its sender is answered', async () => {
    await start({ onError: 'dead_letter' })
    const one = await post({ Quantity: 'x', large: 12345678901234567890n.toString() }, { 'idempotency-key': 'k1' })
    expect([one.status, one.body]).toEqual([201, { Quantity: 'x', large: '12345678901234567890' }])
    const several = await post('[{"InvoiceNo":"a","Quantity":1},{"Quantity":9007199254740993}]', {}, true)
    expect([several.status, several.body]).toMatchObject([201, [{ InvoiceNo: 'a', seen: true }, {}]])
    await stop()
    expect(
      [...letters.values()].map(({ id, position, code, field, form }) => [id, position, code, field, form]),
    ).toEqual([
      ['test/source/k1', '0', 'missing_value', 'InvoiceNo', 'raw'],
      [expect.stringMatching(/^test\/source\/[0-9a-f-]{36}@1$/), '1', 'missing_value', 'InvoiceNo', 'raw'],
    ])
  })

  it('is decoded again from its bytes, as one that fails at a step is', async () => {
    await start({ sinkOnError: 'dead_letter', onError: 'dead_letter' })
    await post([{ ...good(1), when: 'never' }, { Quantity: 1 }], { 'idempotency-key': 'k1' })
    await stop()
    const decode = sourceHttp.decoder!(configOf('x:1'), contextOf(home, schema))
    const bytesOf = (step: string) => {
      const letter = [...letters.values()].find((each) => each['step'] === step)!
      return Buffer.from(letter['bytes'] as string, 'base64')
    }
    expect(decode(bytesOf('dated'), undefined)).toEqual({ ...good(1), when: 'never' })
    expect(() => decode(bytesOf('source'), undefined)).toThrow(
      expect.objectContaining({ code: 'missing_value', field: 'InvoiceNo' }),
    )
  })
})
