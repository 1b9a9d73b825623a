/** What `pipe new connector` and `pipe init` create, and what they say while our packages are not on npm. */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { released } from '@millrace/core'
import { describe, expect, it } from 'vitest'
import { freshFolder, pipe } from './terminal.ts'

interface Manifest {
  readonly name: string
  readonly engines?: { readonly node?: string }
  readonly license?: string
  readonly scripts: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

const manifestIn = (folder: string) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest

describe.each(['source', 'sink'])('pipe new connector --%s', (kind) => {
  it('creates a package with engines, licence, a README for its users and a range of core that accepts patches', async () => {
    const cwd = freshFolder()
    const { code } = await pipe(['new', 'connector', '@acme/orders', `--${kind}`], cwd)
    const folder = join(cwd, `${kind}-orders`)
    const manifest = manifestIn(folder)
    expect([code, manifest.name, manifest.license]).toEqual([0, `@acme/${kind}-orders`, 'Apache-2.0'])
    expect(manifest.engines).toEqual(manifestIn(join(import.meta.dirname, '..')).engines)
    expect(manifest.peerDependencies?.['@millrace/core']).toMatch(/^\^\d+\.\d+\.\d+$/)
    expect(readFileSync(join(folder, 'LICENSE'), 'utf8')).toContain('Apache License')
    const readme = readFileSync(join(folder, 'README.md'), 'utf8')
    expect(readme).toContain('type: "@acme/orders"')
    expect(readme).not.toMatch(/__[A-Z]+__|src\//)
    expect(existsSync(join(folder, 'CONTRIBUTING.md'))).toBe(true)
  })

  it('explains how to get its build dependencies, from a clone as long as npm does not have them', async () => {
    const { out } = await pipe(['new', 'connector', 'acme', `--${kind}`], freshFolder())
    if (released) expect(out).toMatch(/\n {2}npm install\n/)
    else
      expect(out).toContain('npm install --save-dev CLONE/packs/millrace-core.tgz CLONE/packs/dev/millrace-testkit.tgz')
  })

  it('creates scripts that say what to do on an old Node', async () => {
    const cwd = freshFolder()
    await pipe(['new', 'connector', 'acme', `--${kind}`], cwd)
    const folder = join(cwd, `millrace-${kind}-acme`)
    for (const script of ['build', 'prepare', 'test'])
      expect(manifestIn(folder).scripts[script]).toMatch(/^node check-node\.cjs && /)
    const on = (version: string) => {
      const path = join(cwd, 'other.cjs')
      writeFileSync(
        path,
        `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })\n`,
      )
      return spawnSync(process.execPath, ['--require', path, join(folder, 'check-node.cjs')], { encoding: 'utf8' })
    }
    for (const fitting of ['22.22.0', '24.11.0', '26.0.0']) expect(on(fitting).status).toBe(0)
    for (const old of ['18.20.8', '20.20.2', '22.21.0', '23.9.0', '24.10.0'])
      expect(on(old)).toMatchObject({ status: 1, stderr: expect.stringContaining('needs Node 24.11 or newer') })
  })
})

describe('pipe init', () => {
  it('creates a project whose `npm install` does not look for the command where it does not exist', async () => {
    const folder = freshFolder()
    await pipe(['init'], folder)
    expect(Object.keys(manifestIn(folder).dependencies ?? {})).toEqual(released ? ['@millrace/cli'] : [])
  })
})

describe('what a check says about a missing package', () => {
  const spec = (type: string) =>
    `version: 1\nname: a\nsource: { type: ${type}, config: {}, schema: { fields: { a: string } } }\nsinks: { b: { type: "null" } }\n`
  const hint = async (type: string) => {
    const folder = freshFolder()
    writeFileSync(join(folder, 'a.yaml'), spec(type))
    const { out } = await pipe(['check', 'a.yaml', '--json'], folder)
    const { findings } = JSON.parse(out) as { findings: { code: string; hint?: string }[] }
    return findings.find(({ code }) => code === 'connector_missing')?.hint
  }

  it('names the third-party package, and does not claim that npm has it', async () => {
    const says = 'install the package that provides it, named'
    expect(await hint('acme-orders')).toBe(`${says} millrace-source-acme-orders`)
    expect(await hint('"@acme/orders"')).toBe(`${says} @acme/orders or @acme/source-orders`)
  })
})
