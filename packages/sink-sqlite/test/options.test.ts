import { expect, test } from 'vitest'
import type { RecordType } from '@millrace/core'
import definitions from '../src/index.ts'
import type { Options } from '../src/options.ts'
import { everyType, integer, makeStore, resolved, string } from './store.ts'

const [definition] = definitions
const env = makeStore().env()
const input: RecordType = { fields: { a: string(), b: integer(true), j: { type: { kind: 'json' }, optional: true } } }
const problems = (options: Partial<Options>, record: RecordType = input) => {
  const o = resolved(options)
  const found = definition!.check!(o, env)
  return (found.length > 0 ? found : definition!.accepts!(o, record)).map(({ code, at }) => `${at.join('.')}: ${code}`)
}

test.each<[string, Partial<Options>, string[]]>([
  ['documents by record id', { collection: 'c' }, []],
  ['documents by two fields', { collection: 'c', key: ['a', 'b'], indexes: [['b'], ['a', 'b']] }, []],
  ['a table', { table: 't' }, []],
  ['neither collection nor table', {}, [': missing_key']],
  ['both', { collection: 'c', table: 't' }, ['table: bad_value']],
  ['a name that SQLite keeps', { collection: 'sqlite_x' }, ['collection: bad_value']],
  ['a name that the ledger keeps', { table: '_millrace_loads' }, ['table: bad_value']],
  ['a name with a quote', { table: 'a"b' }, ['table: bad_value']],
  ['merge without a key', { table: 't', write: 'merge' }, [': missing_key']],
  ['append into documents', { collection: 'c', write: 'append' }, ['write: bad_value']],
  ['set into a table', { table: 't', write: 'set' }, ['write: bad_value']],
  ['an attribute without set', { collection: 'c', attribute: { name: 'a', value: ['b'] } }, ['attribute: bad_value']],
  ['fields without set', { collection: 'c', fields: ['a'] }, ['fields: bad_value']],
  ['an index that cannot be found again', { collection: 'c', indexes: [['a"b']] }, ['indexes.0.0: bad_value']],
  ['a key that is no scalar', { collection: 'c', key: 'j' }, ['key: bad_value']],
  [
    'a name of an attribute that is no scalar',
    { collection: 'c', write: 'set', key: 'a', attribute: { name: 'j', value: ['b'] } },
    ['attribute.name: bad_value'],
  ],
])('%s', (_name, options, expected) => {
  expect(problems(options)).toEqual(expected)
})

test('every type is accepted, and its form in documents and columns is told', () => {
  expect(problems({ collection: 'c' }, everyType)).toEqual([])
  expect(problems({ table: 't' }, everyType)).toEqual([])
  expect(definition!.mapping!({ kind: 'decimal', precision: 10, scale: 2 })).toBe('JSON string; TEXT')
})

test('columns must differ in more than case, and be known', () => {
  expect(problems({ table: 't' }, { fields: { a: string(), A: string() } })).toEqual([': bad_value'])
  expect(problems({ table: 't' }, { fields: { a: string() }, open: true })).toEqual([': bad_value'])
  expect(problems({ table: 't' }, { fields: {} })).toEqual([': bad_value'])
  expect(problems({ collection: 'c' }, { fields: { a: string(), A: string() }, open: true })).toEqual([])
})

test('a field `_id` would hide the key of its document', () => {
  expect(problems({ collection: 'c' }, { fields: { _id: string() } })).toEqual([': bad_value'])
  expect(problems({ table: 't' }, { fields: { _id: string() } })).toEqual([])
})

test('all modes are effectively-once; what has a key and takes updates says so', () => {
  const told = (options: Partial<Options>) => definition!.capabilities(resolved(options))
  expect(told({ collection: 'c' })).toEqual({
    label: 'effectively-once',
    how: 'upsert by record id, one transaction per write',
    key: 'record_id',
    keyed: true,
    onNull: 'error',
    combines: false,
  })
  expect(told({ collection: 'c', key: 'a', write: 'insert' })).toMatchObject({ key: ['a'], keyed: false })
  expect(told({ collection: 'c', key: ['a', 'b'], write: 'set' })).toMatchObject({ key: ['a', 'b'], combines: true })
  expect(told({ table: 't' })).toMatchObject({ label: 'effectively-once', keyed: false })
  expect(told({ table: 't', write: 'merge', key: 'a' })).toMatchObject({ key: ['a'], keyed: true })
})
