/**
 * What the steps report about themselves: which fields they keep unchanged, and how the records that they make from one
 * are distinguished.
 */
import { join } from 'node:path'
import { Records, type Row, type TransformDefinition } from '@millrace/core'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { call } from '../src/call/index.ts'
import { explode } from '../src/explode.ts'
import steps from '../src/index.ts'
import { applyTo, recordsOf, recordType, stepContext } from './step.ts'

const input = recordType({ a: 'string', b: 'integer?', c: 'string', l: 'list<integer>' })
const side = recordType({ id: 'string', name: 'string' })
const same = (...names: string[]) => Object.fromEntries(names.map((name) => [name, name]))

/** By step: a config, and the fields of its output that contain a field of the input unchanged. */
const unchanged: Readonly<Record<string, readonly (readonly [config: unknown, expected: object | undefined])[]>> = {
  parse_dates: [[{ c: ['iso'] }, same('a', 'b', 'l')]],
  select: [[['b', { new: 'a', c: 'b' }], { b: 'b', new: 'a', c: 'b' }]],
  set: [[{ a: 'c', x: '1' }, same('b', 'c', 'l')]],
  drop: [[['b'], same('a', 'c', 'l')]],
  where: [['b != null', same('a', 'b', 'c', 'l')]],
  route: [[{ some: 'b != null', else: 'none' }, same('a', 'b', 'c', 'l')]],
  cast: [[{ b: 'string' }, same('a', 'c', 'l')]],
  default: [[{ b: 0 }, same('a', 'c', 'l')]],
  dedupe: [
    [{ by: 'a', last: 9 }, same('a', 'b', 'c', 'l')],
    [{ last: 9 }, same('a', 'b', 'c', 'l')],
  ],
  explode: [
    ['l', same('a', 'b', 'c')],
    [{ field: 'l', as: 'item', index: 'l' }, same('a', 'b', 'c')],
  ],
  nest: [[{ b: ['b', { x: 'c' }] }, same('a', 'l')]],
  join: [[{ source: 's', on: { a: 'id' }, type: 'left', max_rows: 9 }, same('a', 'b', 'c', 'l')]],
  call: [[{ function: './f.ts', output: input, returns: 'row' }, undefined]],
  aggregate: [[{ by: ['a'], outputs: { n: 'count()' }, max_groups: 9 }, {}]],
}

describe.each(steps.map((step) => [step.type, step] as const))('%s', (type, step: TransformDefinition) => {
  it('says which fields it keeps unchanged', () => {
    for (const [config, expected] of unchanged[type]!) {
      const inference = step.infer(config, stepContext(input, { sideInputs: { side } }))
      expect(inference.problems).toEqual([])
      expect(inference.unchanged).toEqual(expected)
      const outputs = [inference.output, ...Object.values(inference.sideOutputs ?? {})].filter(
        (each) => each !== undefined,
      )
      for (const output of outputs)
        for (const name of Object.keys(inference.unchanged ?? {})) expect(output.fields).toHaveProperty(name)
    }
  })
})

it('only `route` sends each record to one of its outputs', () =>
  expect(steps.filter(({ routes }) => routes).map(({ type }) => type)).toEqual(['route']))

describe('the records that a step makes from one', () => {
  const lists = recordType({ l: 'list<integer>' })
  const root = join(import.meta.dirname, 'functions')
  const made = async (name: string) => {
    const ctx = stepContext(lists, { root, resolve: (path) => join(root, path) })
    const step =
      name === 'explode'
        ? explode.create('l', ctx)
        : call.create({ function: './invoices.ts#pieces', output: recordType({ n: 'integer' }), returns: 'rows' }, ctx)
    await step.prepare?.({ signal: new AbortController().signal })
    return step
  }
  it.each(['explode', 'call'])('%s: have distinct ids, wherever batches begin', async (name) => {
    const first = await made(name)
    const second = await made(name)
    // The engine appends the step and the number of the piece to the id.
    const idsOf = (step: typeof first, records: Records) => {
      const { rows, origins } = applyTo(step, records)
      return records.derive(rows, Int32Array.from(origins), 'step').ids()
    }
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.nat(9), { maxLength: 4 }), { minLength: 1, maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 8, maxLength: 8 }),
        fc.boolean(),
        (all, sizes, together) => {
          const rows: Row[] = all.map((l) => ({ l }))
          const whole = idsOf(first, recordsOf(rows))
          const parts: Records[] = []
          for (let at = 0, k = 0; at < rows.length; at += sizes[k++]!)
            parts.push(recordsOf(rows.slice(at, at + sizes[k]!), { at }))
          const ids = together
            ? idsOf(second, Records.concat(parts))
            : parts.flatMap((records) => idsOf(second, records))
          expect(ids).toEqual(whole)
          expect(new Set(ids).size).toBe(all.flat().length)
        },
      ),
    )
  })
})
