/**
 * `npm run publishable`: packs every package, and what `pipe new connector` makes, and checks what would be published
 * against our rules (rules.ts), `publint` and `attw` (are the types wrong).
 */
import { execFile, execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify, stripVTControlCharacters } from 'node:util'
import { released } from '@millrace/core'
import { manifestOf, packageFolders, repositoryPage, rootManifest } from '../packages.ts'
import { madeConnector, packAll, type Packed } from './pack.ts'
import { type Contents, type Expected, problemsOf } from './rules.ts'

const root = resolve(import.meta.dirname, '../..')
const tools = join(import.meta.dirname, 'node_modules/.bin')
const work = mkdtempSync(join(tmpdir(), 'millrace-publishable-'))

const ours: Expected = {
  licence: readFileSync(join(root, 'LICENSE'), 'utf8'),
  engines: rootManifest.engines!['node']!,
  local: [root, work, homedir()],
  released,
  repository: { page: repositoryPage, has: (path) => existsSync(join(root, path)) },
}

try {
  const { repository: _none, ...others } = ours
  const packed = [
    ...packAll(join(work, 'packs')).map((each) => [each, ours] as const),
    ...(['source', 'sink'] as const).map((kind) => [madeConnector(kind, work), others] as const),
  ]
  if (packed.length !== packageFolders.length + 2)
    throw new Error(`${packed.length - 2} of ${packageFolders.length} packages were packed`)
  const results: (readonly [string, readonly string[]])[] = []
  const waiting = [...packed]
  const worker = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [packed, expected] = next
      results.push([packed.name, await faults(packed, expected)])
    }
  }
  await Promise.all([worker(), worker()])
  const faulty = results.filter(([, problems]) => problems.length > 0)
  for (const [name, problems] of faulty)
    process.stderr.write(`${name}\n${problems.map((each) => `  ${each}\n`).join('')}`)
  process.stdout.write(`${results.length - faulty.length} of ${results.length} packages can be published\n`)
  process.exitCode = faulty.length ? 1 : 0
} finally {
  rmSync(work, { recursive: true, force: true })
}

async function faults(packed: Packed, expected: Expected): Promise<string[]> {
  return [
    ...problemsOf(contentsOf(packed), expected),
    ...(await tool('publint', ['run', packed.path, '--strict'])),
    ...(await tool('attw', [packed.path, '--profile', 'esm-only', '--format', 'ascii', '--no-emoji', '--no-color'])),
  ]
}

/** What a tool that failed has printed. */
async function tool(name: string, args: readonly string[]): Promise<string[]> {
  try {
    await promisify(execFile)(join(tools, name), args, { cwd: work })
    return []
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as { stdout?: string; stderr?: string; message: string }
    const lines = stripVTControlCharacters(stdout + stderr || message).split('\n')
    return lines.filter((line) => line.trim() !== '').map((line) => `${name}: ${line}`)
  }
}

function contentsOf({ name, path }: Packed): Contents {
  const folder = join(work, 'contents', name)
  mkdirSync(folder, { recursive: true })
  execFileSync('tar', ['-xzf', path, '-C', folder, '--strip-components=1'])
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
  return {
    manifest: manifestOf(folder),
    files: new Map(files.map((file) => [file.slice(folder.length + 1).replaceAll('\\', '/'), readFileSync(file)])),
  }
}
