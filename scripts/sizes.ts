/**
 * `npm run sizes`: what each connector, and the command, brings into a project that has nothing else: packages and MB on the disk, by the lock file and what is
 * installed here. What is optional and for another platform does not count; of our own packages counts what is published, so build first.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { manifestOf, packageFolders } from './packages.ts'

const root = resolve(import.meta.dirname, '..')

interface Locked {
  readonly link?: boolean
  readonly resolved?: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>
}

const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
  packages: Readonly<Record<string, Locked>>
}

const rows = packageFolders
  .filter((folder) => /^(cli|(source|sink)-.*)$/.test(basename(folder)))
  .map((folder) => {
    const all = [...closure(folder)]
    const bytes = all.reduce((sum, path) => sum + sizeOf(path), 0)
    return { name: manifestOf(join(root, folder)).name, count: all.length, megabytes: bytes / 1e6 }
  })
process.stdout.write('| package | packages | MB |\n|---|---:|---:|\n')
for (const { name, count, megabytes } of rows)
  process.stdout.write(`| \`${name}\` | ${count} | ${megabytes.toFixed(1)} |\n`)

/** The folders of a package and of all that must be there with it. */
function closure(folder: string, found = new Set<string>()): Set<string> {
  if (found.has(folder)) return found
  found.add(folder)
  const { dependencies, optionalDependencies, peerDependencies = {}, peerDependenciesMeta = {} } = packages[folder]!
  const peers = Object.keys(peerDependencies).filter((name) => !peerDependenciesMeta[name]?.optional)
  for (const name of [...Object.keys({ ...dependencies, ...optionalDependencies }), ...peers]) {
    const at = lookUp(folder, name)
    if (at) closure(at, found)
    else if (!(name in (optionalDependencies ?? {})))
      throw new Error(`${folder} needs ${name}, which the lock file does not have`)
  }
  return found
}

/** Where Node finds `name` from `folder`; undefined: it is not installed. */
function lookUp(folder: string, name: string): string | undefined {
  for (let from = folder; ; from = from.includes('/') ? from.slice(0, from.lastIndexOf('/')) : '') {
    const at = from ? `${from}/node_modules/${name}` : `node_modules/${name}`
    const locked = packages[at]
    if (locked && existsSync(join(root, at))) return locked.link ? locked.resolved! : at
    if (!from) return undefined
  }
}

function sizeOf(folder: string): number {
  const own = folder.startsWith('packages/') && !folder.includes('node_modules')
  const parts = own ? (manifestOf(join(root, folder)).files ?? []).filter((path) => !path.startsWith('!')) : ['.']
  return parts.reduce((sum, part) => sum + bytesOf(join(root, folder, part)), 0)
}

function bytesOf(path: string): number {
  if (!existsSync(path) || basename(path) === 'node_modules') return 0
  const stat = statSync(path)
  if (!stat.isDirectory()) return basename(path) === '.tsbuildinfo' ? 0 : stat.size
  return readdirSync(path).reduce((sum, name) => sum + bytesOf(join(path, name)), 0)
}
