import type { RecordType } from '@millrace/core'
import { describe, expect, it } from 'vitest'
import { streamAccepts } from '../src/streams/encode.ts'

const type = (kind: 'string' | 'bytes' | 'integer' | 'json') => ({ type: { kind }, optional: true })
const input: RecordType = {
  fields: { text: type('string'), raw: type('bytes'), n: type('integer'), any: type('json') },
}
const problems = (options: Partial<Parameters<typeof streamAccepts>[0]>) =>
  streamAccepts({ format: 'json', valueField: 'value', ...options }, input).map(({ at }) => at.join('.'))

describe('a stream accepts records', () => {
  it.each([
    ['as JSON, whatever they are', {}, []],
    ['as text of any scalar', { format: 'text', valueField: 'n' }, []],
    ['as bytes', { format: 'bytes', valueField: 'raw' }, []],
    ['with a value field that they have', { format: 'text' }, ['value_field']],
    ['with a value field of text or of bytes', { format: 'text', valueField: 'raw' }, ['value_field']],
    ['with a value field of bytes', { format: 'bytes', valueField: 'text' }, ['value_field']],
    ['with a scalar as key', { key: ['n', 'any'] }, ['key.1']],
    ['with an object as headers', { headersField: 'text' }, ['headers_field']],
    ['with headers in json', { headersField: 'any' }, []],
  ] as const)('%s', (_what, options, at) => expect(problems(options)).toEqual(at))
})
