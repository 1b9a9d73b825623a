/** What the check finds without a connection. */
import type { RecordType } from '@millrace/core'
import { describe, expect, test } from 'vitest'
import { accepts, type Options, optionProblems } from '../src/options.ts'
import { redshift } from '../src/sink.ts'

const sound = {
  url: 'postgres://warehouse/d',
  region: 'eu-west-1',
  bucket: 'demo-staging',
  checksums: 'when_supported',
  path: 'millrace/',
  iam_role: 'arn:aws:iam::123456789012:role/load',
  schema: 'public',
  table: 'bulkimport',
  write: 'append',
  existing: 'stop',
  load: 'copy',
  create: true,
  max_text_bytes: 65_535,
  part_size: 8 << 20,
  compupdate: 'off',
  statupdate: 'off',
  after_load: 'delete',
}
const glue = { job: 'batch', poll: 5000 }
const found = (more: object) =>
  optionProblems({ ...sound, ...more } as unknown as Options).map(({ at, code }) => [at[0] ?? '', code])

describe('options', () => {
  test('that are sound have no problems', () => {
    expect(found({})).toEqual([])
    expect(found({ write: 'merge', key: 'n', iam_role: 'default' })).toEqual([])
    expect(found({ load: 'glue', glue, url: undefined, iam_role: undefined })).toEqual([])
    expect(found({ iam_role: 'arn:aws:iam::123456789012:role/a,arn:aws:iam::123456789012:role/b' })).toEqual([])
  })

  test.each([
    [{ bucket: 'No_Bucket' }, ['bucket', 'bad_value']],
    [{ region: 'eu west' }, ['region', 'bad_value']],
    [{ path: '/x' }, ['path', 'bad_value']],
    [{ path: "it's" }, ['path', 'bad_value']],
    [{ path: 'a\\b' }, ['path', 'bad_value']],
    [{ table: '' }, ['table', 'bad_value']],
    [{ table: 'a"b' }, ['table', 'bad_value']],
    [{ table: '_millrace_x' }, ['table', 'bad_value']],
    [{ table: 'x'.repeat(128) }, ['table', 'bad_value']],
    [{ schema: 'a"b' }, ['schema', 'bad_value']],
    [{ iam_role: 'load' }, ['iam_role', 'bad_value']],
    [{ iam_role: "arn:aws:iam::123456789012:role/a' x" }, ['iam_role', 'bad_value']],
    [{ iam_role: undefined }, ['', 'missing_key']],
    [{ url: undefined }, ['', 'missing_key']],
    [{ username: 'u' }, ['username', 'missing_key']],
    [{ write: 'merge' }, ['', 'missing_key']],
    [{ load: 'glue' }, ['', 'missing_key']],
    [{ load: 'glue', glue, write: 'merge', key: 'n' }, ['write', 'bad_value']],
    [{ load: 'glue', glue: { ...glue, endpoint: 'no' } }, ['glue', 'bad_value']],
    [{ glue }, ['glue', 'bad_value']],
    [{ part_size: 1 }, ['part_size', 'bad_value']],
  ])('%j are a finding', (more, expected) => {
    expect(found(more)).toEqual([expected])
  })

  test('that records do not fit are findings too', () => {
    const type = (fields: RecordType['fields']) =>
      accepts(sound as unknown as Options, { fields }).map(({ message }) => message)
    const integer = { type: { kind: 'integer' }, optional: false } as const
    expect(type({ n: integer })).toEqual([])
    expect(type({ Total: integer, total: integer })).toEqual([expect.stringContaining('would be the same column')])
    expect(type({ n: { type: { kind: 'decimal', precision: 39, scale: 0 }, optional: false } })).toEqual([
      expect.stringContaining('at most 38'),
    ])
  })

  test('say what is promised', () => {
    const of = (more: object) => redshift.capabilities({ ...sound, ...more } as unknown as Options)
    const rolling = { checkpointsOnRoll: true, slowPublish: true }
    expect(of({})).toMatchObject({ label: 'effectively-once', ...rolling })
    expect(of({ write: 'merge', key: 'n' })).toMatchObject({
      label: 'effectively-once',
      keyed: true,
      key: ['n'],
      ...rolling,
    })
    expect(of({ load: 'glue', glue })).toMatchObject({ label: 'at-least-once', ...rolling })
  })
})
