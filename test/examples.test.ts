/** Every folder of examples/ is a project that runs; its outputs match those in its folder `expected/`. */
import { randomUUID } from 'node:crypto'
import { cpSync, existsSync, globSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { liveUrl } from '@millrace/testkit'
import { freshFolder, pipe } from '../packages/cli/test/terminal.ts'

const examples = resolve(import.meta.dirname, '../examples')
const names = readdirSync(examples, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name)

/** An example of several specs, with a test of its own below. */
const several = ['store-export']

/** Text outputs below `folder`, by their folder: the file names contain run numbers. */
function outputs(folder: string): Record<string, string> {
  const texts: Record<string, string> = {}
  for (const path of globSync('**/*.{jsonl,csv,json}', { cwd: folder }).toSorted()) {
    const text = readFileSync(join(folder, path), 'utf8').replaceAll(/"spec_hash":"\w*",?/g, '')
    texts[dirname(path)] = (texts[dirname(path)] ?? '') + text
  }
  return texts
}

describe('examples', () => {
  it('are all named in the README', () => {
    const readme = readFileSync(join(examples, 'README.md'), 'utf8')
    expect(names.filter((name) => !readme.includes(`[${name}](${name})`))).toEqual([])
  })

  it.each(names.filter((name) => !several.includes(name)))(
    '%s is right, runs, balances and gives what it should',
    async (name) => {
      const folder = join(freshFolder(), name)
      cpSync(join(examples, name), folder, {
        recursive: true,
        filter: (path) => !['.millrace', 'out'].includes(basename(path)),
      })
      expect(await pipe(['check'], folder)).toMatchObject({ code: 0, err: '' })
      const { code, out, err } = await pipe(['run', '--json'], folder)
      expect(code, err).toBe(0)
      const events = err
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { level: string; code: string })
      expect(events.map(({ code }) => code)).toEqual(['started', 'ended'])
      expect(JSON.parse(out)).toMatchObject({ ended: true, balances: true })
      if (existsSync(join(folder, 'expected')))
        expect(outputs(join(folder, 'out'))).toEqual(outputs(join(folder, 'expected')))
      // Run again, it replaces its own results.
      expect((await pipe(['run'], folder)).code).toBe(0)
      if (existsSync(join(folder, 'expected')))
        expect(outputs(join(folder, 'out'))).toEqual(outputs(join(folder, 'expected')))
    },
  )

  it('sqlite-query finds a customer by an index', async () => {
    const folder = join(freshFolder(), 'sqlite-query')
    cpSync(join(examples, 'sqlite-query'), folder, { recursive: true })
    await pipe(['run'], folder)
    const { out } = await pipe(
      ['query', 'store', 'invoices', '--where', 'customer == 17850', '--sort', 'invoice', '--json'],
      folder,
    )
    expect(JSON.parse(out)).toMatchObject([
      { invoice: '536365', total: '139.12' },
      { invoice: '536366', total: '22.20' },
    ])
  })

  const dynamodb = liveUrl('DYNAMODB')
  it.each(dynamodb ? ['local', 'aws'] : ['local'])(
    'store-export reads the store of the profile %s, whose specs are the same',
    async (profile) => {
      const folder = join(freshFolder(), 'store-export')
      cpSync(join(examples, 'store-export'), folder, { recursive: true })
      const of = ['--profile', profile]
      const before = { ...process.env }
      Object.assign(process.env, {
        AWS_ENDPOINT_URL_DYNAMODB: dynamodb ?? '',
        AWS_ACCESS_KEY_ID: 'test',
        AWS_SECRET_ACCESS_KEY: 'test',
        TABLE_PREFIX: `t${randomUUID().slice(0, 8)}-`,
      })
      try {
        expect(await pipe(['check', ...of], folder)).toMatchObject({ code: 0, err: '' })
        for (const _ of [1, 2]) {
          expect(await pipe(['run', 'load', 'export', ...of], folder)).toMatchObject({ code: 0 })
          expect(outputs(join(folder, 'out'))).toEqual(outputs(join(folder, 'expected')))
        }
      } finally {
        process.env = before
      }
    },
  )

  it('parquet-partitions makes a folder a day', async () => {
    const folder = join(freshFolder(), 'parquet-partitions')
    cpSync(join(examples, 'parquet-partitions'), folder, { recursive: true })
    await pipe(['run'], folder)
    expect(
      globSync('*/*.parquet', { cwd: join(folder, 'out') })
        .map((path) => dirname(path))
        .toSorted(),
    ).toEqual(['day=2025-05-01', 'day=2025-05-02'])
  })
})
