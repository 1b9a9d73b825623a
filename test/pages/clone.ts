/**
 * A copy of this repository in which a page may change files and run commands: sources copied, installed packages
 * linked.
 */
import { cpSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { onTestFinished } from 'vitest'
import { root } from './blocks.ts'

// Without `dist/bundle` the command runs from the sources, which a page changes.
const leftOut = new Set([
  'node_modules',
  '.git',
  '.nx',
  '.millrace',
  '.services',
  'out',
  'scratch',
  'coverage',
  'bundle',
])

/** The copy's folder; it is removed after the test. */
export function cloneOfSources(): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-clone-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  cpSync(root, folder, {
    recursive: true,
    filter: (path) => !leftOut.has(basename(path)),
    preserveTimestamps: true,
  })
  const installed = join(root, 'node_modules')
  const linked = join(folder, 'node_modules')
  mkdirSync(linked)
  for (const name of readdirSync(installed)) {
    if (name === '@millrace' || name === '.bin') linkAlike(join(installed, name), join(linked, name))
    else if (!name.startsWith('.')) symlinkSync(join(installed, name), join(linked, name))
  }
  return folder
}

/**
 * A folder of links that resolve, from where it is, to the same places: to the copy's packages, not to the original's.
 */
function linkAlike(from: string, to: string): void {
  mkdirSync(to)
  for (const name of readdirSync(from))
    if (lstatSync(join(from, name)).isSymbolicLink()) symlinkSync(readlinkSync(join(from, name)), join(to, name))
}
