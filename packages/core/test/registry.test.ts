import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { defineSink } from '../src/connector/index.ts'
import { option } from '../src/connector/options.ts'
import { loadRegistry, packageNames, type Wanted } from '../src/registry/index.ts'

let root: string
const write = (path: string, text: string) => {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
}
const source = (type: string) =>
  `{ kind: 'source', type: '${type}', summary: '', options: {}, capabilities: () => ({}), create: () => ({}) }`
const installed = (name: string, code: string, manifest: object = { millrace: { connectors: ['./index.js'] } }) => {
  write(`node_modules/${name}/package.json`, JSON.stringify({ name, type: 'module', ...manifest }))
  write(`node_modules/${name}/index.js`, code)
}

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'millrace-registry-'))
  write(
    'package.json',
    JSON.stringify({
      dependencies: { 'millrace-source-acme-orders': '1', 'plain-thing': '1' },
      devDependencies: { '@acme/tides': '1' },
    }),
  )
  installed('millrace-source-acme-orders', `export default [${source('acme-orders')}]`)
  installed('@acme/tides', `export default ${source('tides')}`)
  installed('@millrace/source-tape', `export default [${source('tape')}]`)
  installed('plain-thing', 'throw new Error("never imported")', {})
  installed('millrace-source-plain', 'export default []', {})
  installed('millrace-source-empty', 'export default []')
  installed('millrace-source-broken', 'throw new Error("no driver here")')
  write('deep/in/it/spec.yaml', '')
})
afterAll(() => rmSync(root, { recursive: true }))

const load = (wanted: readonly Wanted[] | 'all', from = root) => loadRegistry({ root: from, builtins: [], wanted })

describe('a connector is found', () => {
  it('by the name of its package', async () => {
    const registry = await load([
      { kind: 'source', type: 'acme-orders' },
      { kind: 'source', type: 'tape' },
    ])
    expect(registry.source('acme-orders')?.type).toBe('acme-orders')
    expect(registry.packageOf('source', 'tape')).toBe('@millrace/source-tape')
  })

  it('by the scoped name of its package, from any folder below', async () => {
    const registry = await load([{ kind: 'source', type: '@acme/tides' }], join(root, 'deep/in/it'))
    expect(registry.source('@acme/tides')).toMatchObject({ kind: 'source', type: '@acme/tides' })
  })

  it('among the dependencies of the project, when all are requested', async () => {
    expect((await load('all')).all.map((entry) => entry.package).toSorted()).toEqual([
      '@acme/tides',
      'millrace-source-acme-orders',
    ])
  })

  it('next to the command, after what the project has', async () => {
    const elsewhere = mkdtempSync(join(tmpdir(), 'millrace-elsewhere-'))
    mkdirSync(join(elsewhere, 'node_modules/@millrace/source-tape'), { recursive: true })
    writeFileSync(
      join(elsewhere, 'node_modules/@millrace/source-tape/package.json'),
      '{ "millrace": { "connectors": ["./none.js"] } }',
    )
    const find = (from: string, beside: string) =>
      loadRegistry({ root: from, builtins: [], wanted: [{ kind: 'source', type: 'tape' }], beside })
    try {
      expect((await find(join(elsewhere, 'node_modules'), root)).missing('source', 'tape')?.reason).toBe('broken')
      expect((await find(tmpdir(), root)).source('tape')?.type).toBe('tape')
    } finally {
      rmSync(elsewhere, { recursive: true })
    }
  })

  it('in the sources of its package, where a checkout runs from source', async () => {
    installed('@millrace/source-reel', 'throw new Error("a build")', {
      millrace: { connectors: ['./index.js'] },
      exports: { '.': { '@millrace/source': './source.js' } },
    })
    write('node_modules/@millrace/source-reel/source.js', `export default [${source('reel')}]`)
    expect((await load([{ kind: 'source', type: 'reel' }])).source('reel')?.type).toBe('reel')
  })

  it('in the command itself first, and is loaded only if it is requested', async () => {
    let loads = 0
    const own = defineSink({
      kind: 'sink',
      type: 'tape',
      summary: '',
      options: option.object({}),
      capabilities: () => ({ label: 'at-least-once', how: '' }),
      create: () => ({ write: () => {} }),
    })
    const builtin = { kind: 'sink', type: 'tape', package: 'own', load: async () => (loads++, own) } as const
    const other = {
      kind: 'sink',
      type: 'other',
      package: 'own',
      load: () => Promise.reject(new Error('not wanted')),
    } as const
    const registry = await loadRegistry({
      root,
      builtins: [builtin, other],
      wanted: [
        { kind: 'sink', type: 'tape' },
        { kind: 'sink', type: 'tape' },
      ],
    })
    expect([registry.packageOf('sink', 'tape'), loads, registry.names('sink')]).toEqual(['own', 1, ['other', 'tape']])
  })
})

describe('a connector that does not exist', () => {
  it.each([
    ['nowhere', 'not_installed', '@millrace/source-nowhere'],
    ['plain', 'not_ours', 'millrace-source-plain'],
    ['empty', 'not_in_package', 'millrace-source-empty'],
    ['broken', 'broken', 'millrace-source-broken'],
    ['../../etc', 'not_installed', '@millrace/source-../../etc'],
  ])('%s is missing for a reason', async (type, reason, name) => {
    const missing = (await load([{ kind: 'source', type }])).missing('source', type)
    expect(missing).toMatchObject({ reason, packages: expect.arrayContaining([name]) })
  })

  it('reports what its package threw', async () => {
    expect((await load([{ kind: 'source', type: 'broken' }])).missing('source', 'broken')?.message).toBe(
      'no driver here',
    )
  })
})

it('maps a type to package names', () => {
  expect(packageNames('sink', 'kafka')).toEqual(['@millrace/sink-kafka', 'millrace-sink-kafka'])
  expect(packageNames('sink', '@acme/x')).toEqual(['@acme/x', '@acme/sink-x'])
})
