/** Checks of what a source reads: every record, with its id, in the declared form, by every way of reading. */
import assert from 'node:assert/strict'
import { type Batch, compileExpression, dateReader, opened } from '@millrace/core'
import type { Check } from '../check.ts'
import { misfit } from '../fits.ts'
import { opensNothing } from '../opens.ts'
import { badOf, makeSource, type ReadBatch, readAll, recordsOf } from '../read.ts'
import { remote } from '../remote.ts'
import { canonical, sameRows, sameSet } from '../rows.ts'
import { check, type SourceSubject, told, toldBad } from './ready.ts'

export const reading: readonly Check<SourceSubject>[] = [
  check('create opens nothing', async ({ definition, making }, { root, env }) => {
    await opensNothing(root, () => makeSource(definition, making, env))
  }),

  check('reads every record once', async ({ read, setup, definition }) => {
    const batches = await read()
    const records = recordsOf(batches)
    const rows = records.map((record) => record.row)
    const way = batches.map(({ split, position, end }) => `${split} ${canonical(position)}${end ? ' end' : ''}`)
    const what = `read (batches: ${way.slice(0, 20).join('; ')})`
    if (new Set(batches.map((batch) => batch.split)).size === 1) sameRows(rows, setup.rows, what)
    else sameSet(rows, setup.rows, what)
    const bad = badOf(batches).map(({ code, field }) => ({ code, field }))
    sameSet(
      bad,
      (setup.bad ?? []).map(({ code, field }) => ({ code, field })),
      'what could not be decoded',
    )
    assert.equal(
      new Set(records.map((record) => record.id)).size,
      records.length,
      `source ${definition.type}: two records have the same id`,
    )
  }),

  check('gives each value the form of its declared type', async ({ read, setup }) => {
    const type = setup.unknownFields === 'keep' ? opened(setup.schema) : setup.schema
    for (const { row, position } of recordsOf(await read())) {
      const wrong = misfit(type, row)
      if (wrong) assert.fail(`the record at ${position}: ${wrong}`)
    }
  }),

  check('counts the fields that it leaves out', async ({ read, setup, making }) => {
    const { fields } = setup.schema
    const options = JSON.stringify(setup.options)
    const left = Object.keys(fields).findLast((name) => !options.includes(`"${name}"`))
    if (left === undefined) return
    const leftOut = async (declared: typeof fields) => {
      let unknown = 0
      await read(
        { onBatch: (batch) => void (unknown += batch.unknown ?? 0) },
        { ...making, schema: { fields: declared }, unknownFields: 'drop' },
      )
      return unknown
    }
    const more =
      (await leftOut(Object.fromEntries(Object.entries(fields).filter(([name]) => name !== left)))) -
      (await leftOut(fields))
    // A null may be counted or not.
    const certain = setup.rows.filter((row) => row[left] !== null).length
    const possible = setup.rows.length + (setup.bad?.length ?? 0)
    assert.ok(
      more >= certain && more <= possible,
      `${more} were counted, but ${certain} to ${possible} of the records have ${left}`,
    )
  }),

  check('counts the bytes of each batch', async ({ read }) => {
    for (const { records, bytes } of await read())
      if (records.length) assert.ok(bytes > 0, 'a batch with rows reports no bytes, but all caps rely on them')
  }),

  check('gives positions that increase within their split', async ({ read }) => {
    const last = new Map<string, number>()
    const seen = new Set<string>()
    for (const { split, position } of (await read()).flatMap((batch) =>
      [...batch.records, ...batch.bad].sort(byPosition),
    )) {
      const key = `${split}\0${position}`
      assert.ok(!seen.has(key), `two records of split ${split} have position ${position}`)
      seen.add(key)
      if (typeof position !== 'number') continue
      assert.ok(
        position > (last.get(split) ?? Number.NEGATIVE_INFINITY),
        `split ${split}: position ${position} comes after ${last.get(split)}`,
      )
      last.set(split, position)
    }
  }),

  check('gives the same ids in every read', async ({ read }) => {
    const [first, second] = [await read(), await read()]
    sameSet(recordsOf(second).map(told), recordsOf(first).map(told), 'read a second time')
    sameSet(badOf(second).map(toldBad), badOf(first).map(toldBad), 'bad records read a second time')
  }),

  check('does not change a batch that it has yielded', async ({ definition, setup, making, capabilities }, { env }) => {
    const kept: { batch: Batch; rows: string; raws: string[] }[] = []
    const rawsOf = (batch: Batch) =>
      batch.rawAt ? batch.rows.map((_, i) => Buffer.from(batch.rawAt!(i)).toString('latin1')) : []
    await readAll(makeSource(definition, making, env), env, {
      records: capabilities.bounded ? undefined : setup.rows.length + (setup.bad?.length ?? 0),
      onBatch: (batch) => kept.push({ batch, rows: canonical(batch.rows), raws: rawsOf(batch) }),
    })
    for (const { batch, rows, raws } of kept) {
      assert.equal(canonical(batch.rows), rows, `rows of split ${batch.split} changed after they were yielded`)
      assert.deepEqual(
        rawsOf(batch),
        raws,
        `bytes of records of split ${batch.split} changed after they were yielded: a buffer was reused`,
      )
    }
  }),

  check('skips only what a condition drops, and counts it', async ({ setup, making, read, capabilities }) => {
    if (!capabilities.skips) return
    const { condition, schema } = setup
    assert.ok(condition, 'the source declares skips: its setup must provide a `condition` to try')
    const compiled = compileExpression(condition, schema)
    assert.ok(compiled.ok, `the setup's condition ${condition} does not match its schema`)
    const columns = Object.keys(schema.fields).map((name) => ({ name, from: name }))
    const push = { columns, where: { step: 'wanted', condition } }
    const [plain, pushed] = [await read(), await read({}, { ...making, push })]
    const wanted = (batches: readonly ReadBatch[]) =>
      recordsOf(batches).filter(({ row }) => compiled.evaluate(row) === true)
    sameSet(wanted(pushed).map(told), wanted(plain).map(told), 'with a condition')
    let dropped = 0
    for (const [step, n] of pushed.flatMap((batch) => batch.dropped)) {
      assert.equal(step, 'wanted', 'what is skipped must be counted at the step of the condition')
      dropped += n
    }
    const all = (batches: readonly ReadBatch[]) => recordsOf(batches).length + badOf(batches).length
    assert.equal(all(pushed) + dropped, all(plain), 'records that are read or skipped')
  }),

  check(
    'reads the same with projection, renames and dates pushed into it',
    async ({ setup, making, read, capabilities }) => {
      const { push } = setup
      if (!capabilities.pushdown) return
      assert.ok(push, 'the source declares pushdown: its setup must provide a `push` to try')
      const [plain, pushed] = [await read(), await read({}, { ...making, push })]
      const columns = push.columns.map(({ name, from, date }) => {
        if (!date) return { name, from, convert: (value: unknown) => value }
        const parse = dateReader(date)
        return { name, from, convert: (value: unknown) => (typeof value === 'string' ? parse(value) : value), date }
      })
      const expected: unknown[] = []
      const failed: unknown[] = badOf(plain).map(toldBad)
      for (const record of recordsOf(plain)) {
        const wrong = columns.find(
          ({ from, convert, date }) =>
            date && typeof record.row[from] === 'string' && convert(record.row[from]) === undefined,
        )
        if (wrong)
          failed.push({ split: record.split, position: String(record.position), code: 'bad_date', field: wrong.from })
        else
          expected.push(
            told({
              ...record,
              row: Object.fromEntries(columns.map(({ name, from, convert }) => [name, convert(record.row[from])])),
            }),
          )
      }
      sameSet(recordsOf(pushed).map(told), expected, 'with pushdown')
      sameSet(badOf(pushed).map(toldBad), failed, 'bad records with pushdown')
      for (const bad of badOf(pushed))
        if (bad.code === 'bad_date') assert.ok(bad.step, 'a record that fails in a pushed step must name the step')
    },
  ),

  check(
    'reads the same without generated code',
    async ({ setup, making, read, capabilities }, { root, env }, { module, type }) => {
      const records = capabilities.bounded ? undefined : setup.rows.length + (setup.bad?.length ?? 0)
      for (const push of setup.push ? [undefined, setup.push] : [undefined]) {
        const made = push ? { ...making, push } : making
        const request = { kind: 'source', module: String(module), type, root, id: env.id, making: made, records }
        const [twin] = (await remote(request, { MILLRACE_CODEGEN: 'off' })).answers as [ReadBatch[]]
        const whole = await read({}, made)
        sameSet(recordsOf(twin).map(told), recordsOf(whole).map(told), `interpreted${push ? ', with pushdown' : ''}`)
        sameSet(
          badOf(twin).map(toldBad),
          badOf(whole).map(toldBad),
          `bad records, interpreted${push ? ', with pushdown' : ''}`,
        )
      }
    },
  ),
]

const byPosition = (a: { position: string | number }, b: { position: string | number }): number =>
  typeof a.position === 'number' && typeof b.position === 'number' ? a.position - b.position : 0
