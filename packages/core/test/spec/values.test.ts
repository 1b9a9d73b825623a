import { describe, expect, it } from 'vitest'
import { checkSpec, spec } from '../check/project.ts'

const sink = (config: string, more = '') =>
  spec(`${more}sinks: { out: { type: sqlite, config: { collection: x, ${config} } } }`)
const configOf = async (text: string, options = {}) =>
  (await checkSpec(text, options)).plan.sinks[0]!.config as Record<string, unknown>

describe('interpolation', () => {
  it('substitutes environment and vars in texts, and defaults where a variable is unset or empty', async () => {
    const text = sink('key: "${env:K:-b}"', 'vars: { part: { default: x } }\n').replace(
      'collection: x',
      'collection: "c-${var:part}-${env:E:-d:e}"',
    )
    expect(await configOf(text, { env: { K: '' } })).toMatchObject({ key: 'b', collection: 'c-x-d:e' })
    expect(await configOf(text, { env: { K: 'a', E: 'z' } })).toMatchObject({ key: 'a', collection: 'c-x-z' })
  })

  it('reads a text that is a single interpolation as the type of its option', async () => {
    expect(await configOf(sink('retries: "${env:N}", wait: "${env:W}"'), { env: { N: '7', W: '2m' } })).toMatchObject({
      retries: 7,
      wait: 120_000,
    })
    expect((await checkSpec(sink('retries: "${env:N}0"'), { env: { N: '7' } })).found).toEqual(['wrong_type 4:65'])
  })

  it('never expands what it has inserted, and `$${` escapes an interpolation', async () => {
    const text = sink('').replace('collection: x', () => 'collection: "$${env:A} ${env:A}"')
    expect(await configOf(text, { env: { A: '${env:B}' } })).toMatchObject({ collection: '${env:A} ${env:B}' })
  })

  it('prefers a var from --set to the profile and to the default, as its type', async () => {
    const text = sink('retries: "${var:n}"', 'vars: { n: { type: integer, default: 1 } }\n')
    expect(await configOf(text)).toMatchObject({ retries: 1 })
    expect(await configOf(text, { set: { n: '5' } })).toMatchObject({ retries: 5 })
    expect((await checkSpec(text, { set: { n: 'five' } })).found).toEqual(['wrong_type 4:9'])
  })
})

describe('a default', () => {
  it('with a unit is resolved where the option has several forms: a duration, or a word', async () => {
    const { plan, found } = await checkSpec(
      spec(
        '',
        'type: lines, config: { path: a }, event_time: { field: a, formats: [yyyy-MM-dd] }, retry: { backoff: 1s }',
      ),
    )
    expect(found).toEqual([])
    expect(plan.sources[0]).toMatchObject({
      eventTime: { maxOutOfOrderMs: 0 },
      retry: { forMs: 1_800_000, firstMs: 1000, maxMs: 15_000 },
    })
  })
})

describe('a place', () => {
  it('is that of the character inside a quoted text, a block, and an interpolation', async () => {
    expect((await checkSpec(sink('key: "x-${env:NO}"'))).found).toContain('env_missing 4:64')
    expect((await checkSpec(spec('steps:\n  - pick:\n      - a\n      - |-\n        nope'))).found).toEqual([
      'unknown_field 7:9',
    ])
  })

  it('is in the file that contains the wrong text', async () => {
    const { found } = await checkSpec(spec('', 'unknown_fields: all, type: lines, config: { path: 1 }'))
    expect(found).toEqual(['bad_value 3:27', 'wrong_type 3:61'])
  })
})

describe('YAML', () => {
  const refused = async (text: string | Uint8Array) => (await checkSpec(text as string)).found

  it.each([
    ['brackets', '['.repeat(2_000)],
    ['braces', '{a: '.repeat(1_000)],
    ['dashes on a line', '- '.repeat(2_000)],
    ['indentations', Array.from({ length: 100 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')],
  ])('nested too deep in %s is refused before the parser sees it', async (_, text) => {
    const [first, ...rest] = await refused(text)
    expect(first).toMatch(/^yaml_too_deep /)
    expect(rest).toEqual([])
  })

  it('as deep as 60 levels is read, and brackets in quotes and comments do not count', async () => {
    const found = await refused(
      `a: ${'['.repeat(58)}${']'.repeat(58)}\nb: "${'['.repeat(500)}" # ${'['.repeat(500)}\nc: it's [[[[ not a list`,
    )
    expect(found.filter((each) => each.startsWith('yaml'))).toEqual([])
  })

  it('with aliases that grow is refused', async () => {
    const bomb = [
      'a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1]',
      ...'bcdefghi'.split('').map((x, i) => `${x}: &${x} [${Array(9).fill(`*${'abcdefgh'[i]}`).join(', ')}]`),
    ].join('\n')
    expect(await refused(bomb)).toContain('yaml_too_many_aliases 1:1')
  })

  it('with an alias inside what it refers to terminates', async () => {
    expect(await refused('a: &a [*a]')).toContain('yaml_alias 1:8')
  })

  it('that is too large, not UTF-8, empty, or not a map is a finding', async () => {
    expect(await refused('#'.repeat(300_000))).toEqual(['yaml_too_large 1:1'])
    expect(await refused(Uint8Array.of(0x61, 0x3a, 0xff))).toEqual(['not_utf8 1:1'])
    expect(await refused('')).toContain('wrong_type 1:1')
    expect(await refused('- a')).toContain('wrong_type 1:1')
  })

  it('reports the right line in a file with Windows line endings and a byte order mark', async () => {
    expect(await refused('\ufeffversion: 2\r\nname: x\r\nnope: 1\r\n')).toEqual(
      expect.arrayContaining(['version_unsupported 1:10', 'unknown_key 3:1']),
    )
  })
})
