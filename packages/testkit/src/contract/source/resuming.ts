/** Checks of positions: reading resumes from each of them, and only in the store it belongs to. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import type { Json, MillraceError } from '@millrace/core'
import type { Check } from '../check.ts'
import { badOf, makeSource, recordsOf } from '../read.ts'
import { sameRows, sameSet } from '../rows.ts'
import { check, type SavedPosition, savedAfter, type SourceSubject, spread, told, toldBad } from './ready.ts'

export const resuming: readonly Check<SourceSubject>[] = [
  check(
    'resumes after every batch, with the same ids however the input is divided into batches',
    async ({ read, capabilities }) => {
      if (!capabilities.replayable) return
      const whole = await read()
      const filled = whole.filter((batch) => batch.records.length + batch.bad.length > 0)
      assert.ok(
        filled.length >= 3,
        `the setup gives ${filled.length} batches: there must be at least three, so that there is something to resume after`,
      )
      for (const n of spread(whole.length, 30)) {
        const { position, records } = whole[n - 1]!
        assert.ok(
          position !== undefined || records.length === 0,
          `batch ${n} has no position, but the source declares that it is replayable`,
        )
        const rest = await read({ ...savedAfter(whole, n), records: 0 })
        sameSet(recordsOf(rest).map(told), recordsOf(whole.slice(n)).map(told), `resumed after batch ${n}`)
        sameSet(badOf(rest).map(toldBad), badOf(whole.slice(n)).map(toldBad), `bad records, resumed after batch ${n}`)
      }
    },
  ),

  check(
    'resumes from every position ever released',
    async ({ read, capabilities, definition }, _scope, { positions }) => {
      if (!capabilities.replayable) return
      const whole = await read()
      const splits = [...new Set(whole.map((batch) => batch.split))]
      const saved = positions instanceof URL ? readPositions(positions) : (positions ?? [])
      const known = new Set(saved.map(({ position }) => shapeOf(position)))
      const passed = new Map<string, number>()
      for (const { position, records, split } of whole) {
        passed.set(split, (passed.get(split) ?? 0) + records.length)
        if (position === undefined || known.has(shapeOf(position))) continue
        const entry: SavedPosition = {
          since: 'this version',
          split: splits.length > 1 ? split : undefined,
          position,
          next: passed.get(split)!,
        }
        assert.fail(
          `test/positions.json of ${definition.type} lacks a shape of position that this version writes. Append: ${JSON.stringify(entry)}`,
        )
      }
      for (const { position, memory = {}, split = splits[0]!, next } of saved) {
        const resume = new Map([[split, position]])
        const rest = recordsOf(await read({ resume, recall: new Map(Object.entries(memory)), records: 0 })).filter(
          (record) => record.split === split,
        )
        const expected = recordsOf(whole)
          .filter((record) => record.split === split)
          .slice(next)
        sameRows(rest.map(told), expected.map(told), `resumed from ${JSON.stringify(position)}`)
      }
    },
  ),

  check('accepts a commit twice', async ({ definition, making, read, capabilities }, { env }) => {
    const whole = await read()
    const source = makeSource(definition, making, env)
    if (!source.commit) return
    const { resume, recall } = savedAfter(whole, whole.length)
    const done = [...resume].map(([split, position]) => ({ split, position }))
    const { signal } = new AbortController()
    for (const time of ['first', 'second'])
      await assert.doesNotReject(source.commit(done, { signal }), `the ${time} commit fails`)
    await source.close?.()
    if (capabilities.replayable)
      sameSet(
        recordsOf(await read({ resume, recall, records: 0 })).map(told),
        [],
        'read after everything was committed',
      )
  }),

  check('stops if the store it read has been replaced by a different one', async ({ read, setup, capabilities }) => {
    if (!setup.replace || !capabilities.replayable) return
    const whole = await read()
    const saved = spread(whole.length, 5).map((n) => ({ n, ...savedAfter(whole, n) }))
    await setup.replace()
    for (const { n, resume, recall } of saved) {
      if (resume.size === 0) continue
      const error = await read({ resume, recall, records: 0 }).then(
        () => undefined,
        (thrown: unknown) => thrown as MillraceError,
      )
      assert.ok(
        error && ['source_replaced', 'input_changed'].includes(error.code),
        `resumed after batch ${n}, it ${error ? `fails with a different error: ${error.code} ${error.message}` : 'continues in a different store'}`,
      )
      assert.ok(error.hint, 'the error does not say what to do')
    }
  }),
]

const readPositions = (file: URL): readonly SavedPosition[] =>
  existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as SavedPosition[]) : []

/** The structure of a position: names and kinds, without the values. */
function shapeOf(position: Json): string {
  if (position === null || typeof position !== 'object') return position === null ? 'null' : typeof position
  if (Array.isArray(position)) return `[${position.map(shapeOf).join()}]`
  return `{${Object.entries(position)
    .map(([name, value]) => `${name}:${shapeOf(value as Json)}`)
    .sort()
    .join()}}`
}
