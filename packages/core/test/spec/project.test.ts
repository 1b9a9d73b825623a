import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { specJsonSchema } from '../../src/spec/json-schema.ts'
import { profileNames, readProject } from '../../src/spec/project.ts'
import { readSecrets } from '../../src/spec/read-secrets.ts'
import { registry } from '../check/project.ts'

let root: string
const write = (path: string, text = '') => {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
}
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'millrace-project-'))
})
afterEach(() => rmSync(root, { recursive: true }))

describe('the project folder', () => {
  const rootOf = async () => (await readProject({ spec: join(root, 'a/b/spec.yaml'), env: {} })).root

  it('is the nearest with millrace.yaml, otherwise with package.json, otherwise that of the spec', async () => {
    write('a/b/spec.yaml', 'version: 1')
    expect(await rootOf()).toBe(join(root, 'a/b'))
    write('package.json', '{}')
    expect(await rootOf()).toBe(root)
    write('a/millrace.yaml')
    expect(await rootOf()).toBe(join(root, 'a'))
  })

  it('has the profile local, with or without a file', async () => {
    expect(await profileNames(root)).toEqual(['local'])
    write('profiles/cloud.yaml')
    write('profiles/notes.txt')
    expect(await profileNames(root)).toEqual(['cloud', 'local'])
  })
})

it('reports a missing spec as a finding', async () => {
  const { findings, spec } = await readProject({ spec: join(root, 'none.yaml'), env: {} })
  expect([findings.map((finding) => finding.code), spec]).toEqual([['file_missing'], undefined])
})

it('reads a secret from a variable first, then from a file, without its last line break', async () => {
  write('secrets/token', 'from file\n')
  write('secrets/both', 'from file')
  const env = { MILLRACE_SECRET_BOTH: 'from env' }
  const found = await readSecrets(['token', 'both', 'none'], env, join(root, 'secrets'))
  expect(Object.fromEntries(found)).toEqual({ token: 'from file', both: 'from env' })
})

it('does not read a secret whose name would leave its folder', async () => {
  write('hidden', 'x')
  write('secrets/token', 'y')
  expect([...(await readSecrets(['../hidden'], {}, join(root, 'secrets')))]).toEqual([])
})

it('the JSON Schema of a spec covers every verb and the options of every connector', () => {
  const schema = specJsonSchema(registry) as any
  expect(schema.$defs.step.anyOf.map((each: any) => each.required[0])).toContain('pick')
  const sqlite = schema.$defs.sink.allOf.find((each: any) => each.if.properties.type.const === 'sqlite').then.properties
    .config
  expect(sqlite.properties.retries.anyOf).toEqual([
    { type: 'integer', default: 3, minimum: 0 },
    { type: 'string', pattern: '^\\$\\{.+\\}$' },
  ])
  expect(sqlite.required).toEqual(['collection'])
  expect(JSON.stringify(schema)).not.toContain('"optional":true')
})
