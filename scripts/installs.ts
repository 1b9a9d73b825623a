/**
 * `npm run installs`: what installing `@millrace/<package>` adds, for each connector and the command: how many
 * packages, and how large the third-party ones are. Computed from the lock file and the contents of node_modules, so no
 * registry is asked.
 */
import { globSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..')

/** An entry of package-lock.json. */
interface Locked {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>
  readonly link?: boolean
  readonly resolved?: string
}

/** The lock file's entries, by folder. */
export type Lock = Readonly<Record<string, Locked>>

/** Reads the lock file of the repository. */
export const readLock = (): Lock =>
  (JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as { packages: Lock }).packages

/** The folders of all packages that a workspace package installs, including itself. */
export function installed(lock: Lock, name: string): ReadonlySet<string> {
  const found = new Set<string>()
  const visit = (folder: string): void => {
    if (found.has(folder)) return
    found.add(folder)
    const { dependencies, optionalDependencies, peerDependencies, peerDependenciesMeta } = lock[folder]!
    const peers = Object.keys(peerDependencies ?? {}).filter((peer) => !peerDependenciesMeta?.[peer]?.optional)
    for (const wanted of [...Object.keys({ ...dependencies, ...optionalDependencies }), ...peers]) {
      const at = folderOf(lock, folder, wanted)
      if (at !== undefined) visit(at)
    }
  }
  visit(`packages/${name}`)
  return found
}

/**
 * Where a package finds another, as Node does: in the nearest node_modules. Undefined: it is optional, and not for this
 * system.
 */
function folderOf(lock: Lock, from: string, name: string): string | undefined {
  for (let at = from; ; at = at.includes('/') ? at.slice(0, at.lastIndexOf('/')) : '') {
    const folder = `${at === '' || at.endsWith('node_modules') ? at : `${at}/node_modules`}${at === '' ? 'node_modules' : ''}/${name}`
    const entry = lock[folder]
    if (entry) return entry.link ? entry.resolved : folder
    if (at === '') return undefined
  }
}

/** The names of the third-party packages among them. */
export const foreign = (folders: ReadonlySet<string>): string[] =>
  [...folders]
    .filter((folder) => !folder.startsWith('packages/'))
    .map((folder) => folder.split('node_modules/').at(-1)!)

/** The bytes of a package's files, without the packages inside it. */
function bytesOf(folder: string): number {
  const files = globSync('**/*', { cwd: join(root, folder), exclude: (path) => path === 'node_modules' })
  return files.reduce((sum, path) => {
    const file = statSync(join(root, folder, path), { throwIfNoEntry: false })
    return sum + (file?.isFile() ? file.size : 0)
  }, 0)
}

if (process.argv[1] === import.meta.filename) {
  const lock = readLock()
  const names = Object.keys(lock)
    .filter((folder) => /^packages\/((source|sink)-[^/]+|cli)$/.test(folder))
    .map((folder) => folder.slice('packages/'.length))
  process.stdout.write('| package | of Millrace | of others | MB of others |\n|---|---|---|---|\n')
  for (const name of names) {
    const folders = installed(lock, name)
    const others = [...folders].filter((folder) => !folder.startsWith('packages/'))
    const bytes = others.reduce((sum, folder) => sum + bytesOf(folder), 0)
    process.stdout.write(
      `| ${name} | ${folders.size - others.length} | ${others.length} | ${(bytes / 1e6).toFixed(1)} |\n`,
    )
  }
}
