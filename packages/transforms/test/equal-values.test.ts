/** Equal values are one key, one group and one match, however often they exist in memory; others are not. */
import { compileAggregates, fromText, parseType, type Row, type Type } from '@millrace/core'
import { type Entries, saveChanges, savedMemory } from '@millrace/testkit'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { aggregate } from '../src/aggregate/index.ts'
import { dedupe } from '../src/dedupe/index.ts'
import { join } from '../src/join/index.ts'
import { route } from '../src/route.ts'
import { where } from '../src/where.ts'
import { apply, finish, recordType, run, stepContext } from './step.ts'

/** Some values of each type, with several ways of making each. Every call makes a new one. */
type Values = readonly (readonly (() => unknown)[])[]

const read = (type: string, ...classes: string[][]): Values => {
  const make = fromText(parseType(type)!.type)
  return classes.map((texts) => texts.map((text) => () => make(text)))
}
const these = (...classes: unknown[][]): Values => classes.map((values) => values.map((value) => () => value))
/** As a view of something larger, as readers make them. */
const view = (bytes: number[]) => () => new Uint8Array([9, ...bytes, 9]).subarray(1, bytes.length + 1)

const keyValues: Readonly<Record<string, Values>> = {
  string: these([''], ['null'], ['[null]'], ['a,b'], ['\u00e4'], ['a\u0308'], ['\ud800']),
  boolean: these([true], [false]),
  integer: these([0, -0], [1], [-1], [Number.MAX_SAFE_INTEGER]),
  bigint: read('bigint', ['0', '-0', '00'], ['1', '+1'], ['9007199254740993'], ['9007199254740992']),
  number: these([0, -0], [1], [0.1 + 0.2, 0.30000000000000004], [0.3], [1e21], [5e-324]),
  'decimal(6,2)': read('decimal(6,2)', ['0', '-0', '-0.00', '00'], ['1.5', '01.50', '+1.500'], ['-1.5'], ['15']),
  date: read('date', ['2010-12-01'], ['0001-01-01']),
  timestamp: read(
    'timestamp',
    ['1970-01-01T00:00:00Z'],
    ['2010-12-01T08:26:00Z', '2010-12-01T09:26:00+01:00', '2010-12-01T08:26:00.000Z'],
    ['2010-12-01T08:26:00.001Z'],
  ),
  bytes: [
    [view([]), () => new Uint8Array()],
    [view([0, 1, 2]), () => Buffer.from([0, 1, 2])],
    [view([0, 1])],
    [view([255]), () => new Uint8Array([255])],
  ],
}
/** Values that are compared in conditions, but cannot be keys. */
const deepValues: Readonly<Record<string, Values>> = {
  'list<bytes>': [[() => []], [() => [view([1])()], () => [new Uint8Array([1])]], [() => [view([1])(), view([])()]]],
  'list<decimal(3,1)?>': [[() => ['1.0', null]], [() => ['1.0']], [() => [null, '1.0']]],
  json: [
    [() => ({ a: 1, b: [true, null] }), () => ({ b: [true, null], a: 1, c: null })],
    [() => ({ a: '1', b: [true, null] })],
    [() => [], () => []],
    [() => ({}), () => ({ a: null })],
    [() => 0, () => -0],
    [() => '0'],
  ],
}
const types = Object.keys(keyValues)

/** A value by the number of its class, and which way it is made. */
const picks = fc.array(fc.record({ of: fc.nat(9), how: fc.nat(9), other: fc.nat(9) }), { minLength: 1, maxLength: 30 })
const valueOf = (values: Values, of: number, how: number): unknown => {
  const made = values[of % values.length]!
  return made[how % made.length]!()
}

describe.each(types)('values of type %s', (type) => {
  const values = keyValues[type]!
  const input = recordType({ v: type, w: `${type}?`, n: 'integer' })
  // The class of v, that of w (-1: null) and the row.
  const rowsOf = fc.tuple(picks, fc.nat(3)).map(([picked, nulls]) =>
    picked.map(({ of, how, other }, n) => {
      const hasNone = other % (nulls + 2) === 0
      return {
        v: of % values.length,
        w: hasNone ? -1 : other % values.length,
        row: Object.freeze({
          v: valueOf(values, of, how),
          w: hasNone ? null : valueOf(values, other, how + 1),
          n,
        }) as Row,
      }
    }),
  )
  const kinds = (classes: readonly (string | number)[]): number => new Set(classes).size

  it('are groups of `aggregate`, also after a restart, and count_distinct counts them', () => {
    const outputs = { n: 'count()', kinds: 'count_distinct(v)', maybe: 'count_distinct(w)' }
    fc.assert(
      fc.property(rowsOf, fc.nat(30), (made, restart) => {
        for (const by of [[], ['v'], ['w'], ['v', 'w'], ['w', 'v']]) {
          const create = () =>
            aggregate.create(
              { by, outputs, max_groups: 100, window: undefined, emit: undefined, forget_after: undefined },
              stepContext(input),
            )
          const memory: Entries = new Map()
          let step = create()
          apply(
            step,
            made.slice(0, restart).map(({ row }) => row),
          )
          saveChanges(step, memory)
          step = create()
          step.restore!(savedMemory(memory))
          apply(
            step,
            made.slice(restart).map(({ row }) => row),
          )
          const groups = Map.groupBy(made, ({ v, w }) => by.map((name) => (name === 'v' ? v : w)).join())
          const expected = [...groups.values()].map((each) => {
            const known = each.map(({ w }) => w).filter((w) => w >= 0)
            return `${each.length} ${kinds(each.map(({ v }) => v))} ${kinds(known)}`
          })
          const results = Object.values(finish(step).results).map(
            (each) => `${each['n']} ${each['kinds']} ${each['maybe']}`,
          )
          expect(results.sort()).toEqual(expected.sort())
        }
      }),
    )
  })

  it('are keys of `dedupe`', () => {
    fc.assert(
      fc.property(rowsOf, (made) => {
        const passing = (config: object) =>
          run(
            dedupe,
            { last: 100, ...config },
            input,
            made.map(({ row }) => row),
          ).rows.length
        expect(passing({ by: 'v' })).toBe(kinds(made.map(({ v }) => v)))
        expect(passing({ by: 'w', nulls: 'equal' })).toBe(kinds(made.map(({ w }) => w)))
        expect(passing({ by: ['v', 'w'], nulls: 'equal' })).toBe(kinds(made.map(({ v, w }) => `${v} ${w}`)))
        const known = made.filter(({ w }) => w >= 0)
        expect(passing({ by: 'w', nulls: 'pass' })).toBe(kinds(known.map(({ w }) => w)) + made.length - known.length)
      }),
    )
  })

  it('find their row on the other side of `join`', () => {
    const side = recordType({ v: type, w: type, kind: 'integer' })
    const config = { source: 'side', type: 'left', max_rows: 1000 }
    fc.assert(
      fc.property(rowsOf, fc.nat(9), (made, how) => {
        const single = run(join, { ...config, on: 'v', fields: ['kind'] }, input, [], {
          sideInputs: { side },
        }).transform
        single.load!(
          'side',
          values.map((_, kind) => ({ v: valueOf(values, kind, how), w: valueOf(values, kind, how), kind })),
        )
        const rows = made.map(({ row }) => row)
        expect(apply(single, rows).rows.map(({ kind }) => kind)).toEqual(made.map(({ v }) => v))
        const double = run(join, { ...config, on: ['v', 'w'], fields: ['kind'] }, input, [], {
          sideInputs: { side },
        }).transform
        double.load!(
          'side',
          values.flatMap((_, v) =>
            values.map((_, w) => ({ v: valueOf(values, v, how), w: valueOf(values, w, how + 1), kind: v * 100 + w })),
          ),
        )
        expect(apply(double, rows).rows.map(({ kind }) => kind)).toEqual(
          made.map(({ v, w }) => (w < 0 ? null : v * 100 + w)),
        )
      }),
    )
  })

  it('are the same after a restart, in the results of every aggregate that holds one', () => {
    const names = ['min', 'max', 'first', 'last']
    const outputs = Object.fromEntries(
      names.map((name) => [name, `${name}(v)`]).filter(([, text]) => compileAggregates({ out: text! }, input).ok),
    )
    fc.assert(
      fc.property(rowsOf, (made) => {
        const create = () =>
          aggregate.create(
            { by: ['v'], outputs, max_groups: 100, window: undefined, emit: undefined, forget_after: undefined },
            stepContext(input),
          )
        const step = create()
        apply(
          step,
          made.map(({ row }) => row),
        )
        const memory: Entries = new Map()
        saveChanges(step, memory)
        const restarted = create()
        restarted.restore!(savedMemory(memory))
        const plain = finish(step).results
        const bytes = (value: unknown) => (value instanceof Uint8Array ? [...value] : value)
        const shown = (results: typeof plain) =>
          Object.fromEntries(
            Object.entries(results).map(([key, row]) => [
              key,
              Object.entries(row).map(([name, each]) => [name, bytes(each)]),
            ]),
          )
        // Strictly: -0 is not 0 here.
        expect(shown(finish(restarted).results)).toStrictEqual(shown(plain))
      }),
    )
  })
})

const all = { ...keyValues, ...deepValues }
describe.each(Object.keys(all))('values of type %s', (type) => {
  const values = all[type]!
  const input = recordType({ a: type, b: type, c: `${type}?`, l: `list<${type}>` })
  it('are equal in the conditions of `where` and `route`', () => {
    fc.assert(
      fc.property(picks, (made) => {
        const rows = made.map(({ of, how, other }) => ({
          a: valueOf(values, of, how),
          b: valueOf(values, other, how + 1),
          c: other === 0 ? null : valueOf(values, other, how + 1),
          l: [valueOf(values, other + 1, how), valueOf(values, other, how + 1)],
        }))
        const same = made.map(({ of, other }) => of % values.length === other % values.length)
        const isIn = made.map(({ of, other }, i) => same[i] || of % values.length === (other + 1) % values.length)
        const places = (wanted: readonly (boolean | undefined)[]) => wanted.flatMap((each, i) => (each ? [i] : []))
        expect(run(where, 'a == b', input, rows).origins).toEqual(places(same))
        expect(run(where, 'a != b', input, rows).origins).toEqual(places(same.map((each) => !each)))
        expect(run(where, 'a in l', input, rows).origins).toEqual(places(isIn))
        const { sideOutputs } = run(route, { same: 'a == c', else: 'other' }, input, rows)
        expect(sideOutputs['same']?.origins ?? []).toEqual(places(same.map((each, i) => each && made[i]!.other !== 0)))
      }),
    )
  })
})

it('only types whose values can be distinguished are keys', () => {
  const kinds: Type['kind'][] = [
    'string',
    'boolean',
    'integer',
    'bigint',
    'number',
    'decimal',
    'date',
    'timestamp',
    'bytes',
  ]
  expect(types.map((type) => parseType(type)!.type.kind)).toEqual(kinds)
})
