/** What must be true of a package before it is published, as far as its files show. */
import type { Manifest } from '../packages.ts'

/** A package as it was packed. */
export interface Contents {
  readonly manifest: Manifest
  /** The paths of its files, with `/`, relative to its folder, and their contents. */
  readonly files: ReadonlyMap<string, Buffer>
}

/**
 * What a package is checked against. `repository`: our page and the files that exist there; absent for a third-party
 * package.
 */
export interface Expected {
  readonly licence: string
  readonly engines: string
  /** Folders on this machine: no file may name one. */
  readonly local: readonly string[]
  readonly released: boolean
  readonly repository?: { readonly page: string; has(path: string): boolean }
}

/** All that is wrong with the package, as sentences; none: it may be published. */
export function problemsOf({ manifest, files }: Contents, expected: Expected): string[] {
  const { repository } = expected
  const found: string[] = []
  const demand = (holds: boolean, problem: string) => void (holds || found.push(problem))

  demand(!manifest.private, 'package.json: it is private')
  demand((manifest.description?.length ?? 0) >= 20, 'package.json: the description is missing or says nothing')
  demand((manifest.keywords?.length ?? 0) >= 3, 'package.json: fewer than three keywords')
  demand(Boolean(manifest.author), 'package.json: no author')
  demand(manifest.license === 'Apache-2.0', 'package.json: the licence is not Apache-2.0')
  demand(manifest.engines?.['node'] === expected.engines, `package.json: engines.node is not "${expected.engines}"`)
  if (repository) {
    demand(manifest.repository?.url === `git+${repository.page}.git`, 'package.json: another repository, or none')
    demand(
      repository.has(`${manifest.repository?.directory}/package.json`),
      'package.json: repository.directory leads nowhere',
    )
    demand(Boolean(manifest.homepage && manifest.bugs), 'package.json: no homepage, or no address for bugs')
  }
  found.push(...rangeProblems(manifest), ...exportProblems(manifest, files))

  demand(files.get('LICENSE')?.toString() === expected.licence, 'LICENSE: missing, or not the text of the licence')
  for (const path of files.keys()) {
    demand(!/(^|\/)(\.[^/]*|[^/]*\.(tsbuildinfo|tgz|log))$/.test(path), `${path}: not for readers`)
    demand(!/(^|\/)(test|node_modules)\//.test(path) || path.startsWith('templates/'), `${path}: not for readers`)
    // The bundle and its chunks have no source of the same name.
    const source = /^dist\/(?!bundle\/)(.*?)(?:\.d\.ts|\.js)$/.exec(path)?.[1]
    if (repository && source)
      demand(files.has(`src/${source}.ts`), `${path}: left over, since src/${source}.ts is gone`)
  }
  for (const [path, content] of files)
    for (const folder of expected.local) demand(!content.includes(folder), `${path}: names a folder of this machine`)
  found.push(...readmeProblems(files.get('README.md')?.toString(), expected))
  return found
}

/**
 * A range that a patch of the other package falls outside results in two copies of it, and for a peer in a conflict.
 * Only the command names exact versions: its bundle is built from them.
 */
function rangeProblems({ bin, dependencies = {}, peerDependencies = {} }: Manifest): string[] {
  const found: string[] = []
  for (const [name, range] of Object.entries({ ...dependencies, ...peerDependencies })) {
    if (/^(file|link|workspace|git|https?):|^\*?$/.test(range)) {
      found.push(`package.json: ${name} "${range}" is no range of versions`)
      continue
    }
    if (!name.startsWith('@millrace/') || (bin && !(name in peerDependencies))) continue
    if (!/^\^\d+\.\d+\.\d+$/.test(range)) found.push(`package.json: ${name} "${range}" does not take the next patch`)
  }
  return found
}

/** Every path in `exports`, `bin` and `millrace.connectors` must be packed. */
function exportProblems({ name, exports, bin, millrace }: Manifest, files: Contents['files']): string[] {
  const named: string[] = []
  const collect = (value: unknown): void => {
    if (typeof value === 'string') named.push(value)
    else if (value) Object.values(value).forEach(collect)
  }
  collect(exports)
  collect(bin)
  collect(millrace?.connectors)
  const found = named
    .filter((path) => !files.has(path.replace(/^\.\//, '')))
    .map((path) => `package.json: it names ${path}, which is not packed`)
  if (!exports) found.push('package.json: no exports')
  if (/(^|[/-])(source|sink)-/.test(name) && !millrace?.connectors?.length)
    found.push('package.json: no millrace.connectors')
  return found
}

function readmeProblems(text: string | undefined, { repository, released }: Expected): string[] {
  if (!text || text.length < 200) return ['README.md: missing, or it says nothing']
  const found: string[] = []
  const prose = text.replaceAll(/```[\s\S]*?```/g, '')
  for (const [, link] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
    const [path] = link!.split('#') as [string]
    if (path === '') continue
    if (!path.startsWith('https://')) found.push(`README.md: the link ${link} leads nowhere on a registry`)
    else if (repository && path.startsWith('https://github.com/')) {
      const inside = path.startsWith(`${repository.page}/`)
        ? /^\/(?:blob|tree)\/main\/(.+)$/.exec(path.slice(repository.page.length))?.[1]
        : undefined
      if (path !== repository.page && !(inside && repository.has(inside)))
        found.push(`README.md: the link ${link} leads nowhere`)
    }
  }
  if (!released) found.push(...prematureInstalls(text).map((line) => `README.md: not on npm yet: ${line}`))
  return found
}

/** Lines that tell a reader to get one of our packages from npm. */
export function prematureInstalls(text: string): string[] {
  return text
    .split('\n')
    .filter((line) =>
      /\b(?:npm (?:install|i|add|exec)|npx|pnpm (?:add|dlx)|yarn (?:add|dlx))\b[^`|]*@millrace\//.test(line),
    )
}
