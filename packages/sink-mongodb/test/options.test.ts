import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { type Env, type RecordType, Secret, type SinkContext, type Type } from '@millrace/core'
import definitions from '../src/index.ts'
import type { Options } from '../src/options.ts'
import { openContext, resolved } from './server.ts'

const [definition] = definitions
const env: Env = { root: '/', home: '/', profile: 'local', pipeline: 'p', id: 'out', resolve: (path) => path }
const string = { type: { kind: 'string' }, optional: false } as const
const integer = { type: { kind: 'integer' }, optional: false } as const
const input: RecordType = { fields: { a: string, n: integer, j: { type: { kind: 'json' }, optional: true } } }
const base = { url: new Secret('mongodb://127.0.0.1/'), database: 'd', collection: 'c' }
const problems = (options: Partial<Options>, record = input) => {
  const o = resolved({ ...base, ...options })
  return [...definition!.check!(o, env), ...definition!.accepts!(o, record)].map(
    ({ code, at }) => `${at.join('.')}: ${code}`,
  )
}

test.each<[string, Partial<Options>, string[]]>([
  ['documents by record id', {}, []],
  ['attributes', { write: 'set', key: 'a', attribute: { name: 'a', value: ['j'] } }, []],
  ['a database that cannot be', { database: 'a b' }, ['database: bad_value']],
  ['a collection of the system', { collection: 'system.users' }, ['collection: bad_value']],
  ['a name without a password', { username: 'u' }, ['username: missing_key']],
  ['an attribute without set', { attribute: { name: 'a', value: ['j'] } }, ['attribute: bad_value']],
  ['an index that would be a path', { indexes: [['a.b']] }, ['indexes.0.0: bad_value']],
  ['ids of a type without a key', { id_type: 'objectid' }, ['id_type: bad_value']],
  ['ids of a type with a key of two fields', { id_type: 'value', key: ['a', 'n'] }, ['id_type: bad_value']],
  ['an ObjectId of a number', { id_type: 'objectid', key: 'n' }, ['id_type: bad_value']],
  ['an ObjectId of text', { id_type: 'objectid', key: 'a' }, []],
  ['a UUID of text', { id_type: 'uuid', key: 'a' }, []],
  ['a number as an id', { id_type: 'value', key: 'n' }, []],
  ['a key that is no scalar', { key: 'j' }, ['key: bad_value']],
])('%s', (_name, options, expected) => {
  expect(problems(options)).toEqual(expected)
})

test('types and names that MongoDB cannot hold are found before the run', () => {
  const decimal = (precision: number): Type => ({ kind: 'decimal', precision, scale: 2 })
  const nested: Type = {
    kind: 'list',
    of: {
      type: { kind: 'object', record: { fields: { deep: { type: decimal(38), optional: true } } } },
      optional: true,
    },
  }
  expect(problems({}, { fields: { a: { type: decimal(34), optional: false } } })).toEqual([])
  expect(problems({}, { fields: { a: { type: nested, optional: false } } })).toEqual([': bad_value'])
  expect(problems({}, { fields: { $a: string } })).toEqual([': bad_value'])
  expect(problems({}, { fields: { _id: string } })).toEqual([': bad_value'])
  expect(problems({ key: '_id' }, { fields: { _id: string } })).toEqual([])
  expect(problems({ key: '_id' }, { fields: { _id: integer } })).toEqual(['id_type: bad_value'])
  expect(problems({ key: '_id', id_type: 'value' }, { fields: { _id: integer } })).toEqual([])
  expect(definition!.mapping!(decimal(38))).toBeUndefined()
  expect(definition!.mapping!(decimal(34))).toBe('decimal')
})

test.each([
  ['a connection string that ends too early', { url: new Secret('mongodb://user:hunter2@') }],
  ['another protocol', { url: new Secret('http://user:hunter2@host') }],
  ['no connection string at all', { url: new Secret('hunter2') }],
  [
    'a file of certificates that is not there',
    {
      url: new Secret('mongodb://user:hunter2@127.0.0.1/'),
      tls: { ca: '/nowhere/ca.pem', certificate: undefined, reject_unauthorized: true },
    },
  ],
])('%s stops at once, and tells no secret', async (_name, options) => {
  const sink = definition!.create(resolved({ ...base, ...options }), { ...env, schema: input } as SinkContext)
  const error = await Promise.resolve(sink.open!(openContext())).catch((thrown: unknown) => thrown as Error)
  expect(error).toMatchObject({ name: 'SystemError', code: 'bad_connection', retry: false })
  expect(inspect(error, { depth: 20, showHidden: true })).not.toContain('hunter2')
  await sink.close!()
})
