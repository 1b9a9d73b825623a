/**
 * What every package of `packages/` has in common and what follows from the root's package.json: the fields of its own
 * package.json that a registry shows, its licence, how its README says to install it, and links in the README that work
 * outside this repository. A new package gets all of it from `npm run gen`.
 */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, posix, resolve } from 'node:path'
import { released } from '@millrace/core'

/** The repository's folder. */
const root = resolve(import.meta.dirname, '..')

/** A package.json, as far as scripts read it. */
export interface Manifest {
  readonly name: string
  readonly version: string
  readonly private?: boolean
  readonly description?: string
  readonly keywords?: readonly string[]
  readonly license?: string
  readonly author?: string
  readonly homepage?: string
  readonly repository?: { readonly type: string; readonly url: string; readonly directory?: string }
  readonly bugs?: string
  readonly files?: readonly string[]
  readonly exports?: unknown
  readonly bin?: Readonly<Record<string, string>>
  readonly engines?: Readonly<Record<string, string>>
  readonly millrace?: { readonly connectors?: readonly string[] }
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

export const manifestOf = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest

/** The root's package.json. */
export const rootManifest = manifestOf(root)

/** The folders of all packages that are published, relative to the root. */
export const packageFolders = globSync('packages/*/package.json', { cwd: root })
  .map((path) => dirname(path).replaceAll('\\', '/'))
  .filter((folder) => !manifestOf(join(root, folder)).private)
  .toSorted()

/** Where a browser shows the repository. */
export const repositoryPage = rootManifest.repository!.url.replace(/^git\+|\.git$/g, '')

/** The files that are generated for all packages, by path. `made`: what some of them were generated as before. */
export function commonFiles(made: ReadonlyMap<string, string>): Map<string, string> {
  const files = new Map<string, string>()
  const licence = readFileSync(join(root, 'LICENSE'), 'utf8')
  for (const folder of packageFolders) {
    files.set(`${folder}/package.json`, `${JSON.stringify(completed(folder), undefined, 2)}\n`)
    files.set(`${folder}/LICENSE`, licence)
    const readme = `${folder}/README.md`
    if (existsSync(join(root, readme)))
      files.set(
        readme,
        withInstall(withLinks(made.get(readme) ?? readFileSync(join(root, readme), 'utf8'), folder), folder),
      )
  }
  for (const page of ['README.md', 'docs/guide/connectors.md'])
    files.set(page, withInstall(readFileSync(join(root, page), 'utf8'), ''))
  files.set('packages/core/src/check/ours.ts', connectorNames())
  for (const kind of ['source', 'sink']) files.set(`packages/cli/templates/${kind}/LICENSE`, licence)
  return files
}

/** The connectors of this repository, for hints: the check looks at no folder. */
function connectorNames(): string {
  const ofKind = (kind: string) => {
    const names = packageFolders.map((folder) => posix.basename(folder)).filter((name) => name.startsWith(`${kind}-`))
    return `  ${kind}: '${names.map((name) => name.slice(kind.length + 1)).join(' ')}'.split(' '),\n`
  }
  return `/** Made by \`npm run gen\`: the connectors that Millrace itself has. */
export const connectorsOfOurs: Readonly<Record<'source' | 'sink', readonly string[]>> = {
${ofKind('source')}${ofKind('sink')}}
`
}

/** The order of fields in a package.json; others follow as they are. */
const order =
  'name version private description keywords homepage bugs repository license author type sideEffects bin exports files engines scripts millrace dependencies peerDependencies'.split(
    ' ',
  )

/**
 * The package.json with what all packages share. What a package says itself stays: its description, exports,
 * dependencies, additional keywords and files.
 */
function completed(folder: string): Manifest {
  const own = manifestOf(join(root, folder))
  const { license, author, bugs, repository, engines } = rootManifest
  const words = own.name.split('/').at(-1)!.split('-')
  const isConnector = words[0] === 'source' || words[0] === 'sink'
  const keywords = ['millrace', 'data-pipeline', ...(isConnector ? ['connector'] : []), ...words]
  const whole: Manifest = {
    ...own,
    keywords: [...new Set([...keywords, ...(own.keywords ?? [])])],
    homepage: `${repositoryPage}/tree/main/${folder}#readme`,
    bugs,
    repository: { ...repository!, directory: folder },
    license,
    author,
    files: [...new Set(['dist', '!dist/.tsbuildinfo', 'src', 'README.md', ...(own.files ?? [])])],
    engines,
    // The command's bundle is built from these very versions.
    ...ranges(own.dependencies, 'dependencies', own.bin ? '' : '^'),
    ...ranges(own.peerDependencies, 'peerDependencies', '^'),
  }
  const rank = (key: string) => (order.includes(key) ? order.indexOf(key) : order.length)
  return Object.fromEntries(Object.entries(whole).toSorted(([a], [b]) => rank(a) - rank(b))) as unknown as Manifest
}

/**
 * Ranges of our own packages: all of one version are released together, and a patch of one must not fall outside the
 * range that the others name.
 */
function ranges(all: Readonly<Record<string, string>> | undefined, field: string, sign: string) {
  if (!all) return {}
  return {
    [field]: Object.fromEntries(
      Object.entries(all).map(([name, range]) => {
        const local = packageFolders.find((folder) => manifestOf(join(root, folder)).name === name)
        if (!local) return [name, range]
        const number = range.replace(/^[\^~]/, '')
        return [name, `${sign}${number}`]
      }),
    ),
  }
}

/** Links to files of the repository lead to its web page, since a registry shows only the README. */
function withLinks(text: string, folder: string): string {
  return text.replaceAll(/\]\((?!https?:|#)([^)\s]+)\)/g, (_whole, link: string) => {
    const [path, anchor] = link.split('#')
    return `](${repositoryPage}/blob/main/${posix.join(folder, path!)}${anchor === undefined ? '' : `#${anchor}`})`
  })
}

/**
 * Fills the part between `<!-- install -->` and `<!-- /install -->`; a package's README without these marks gets them
 * at its end. `<!-- install authors -->`: what the author of a connector installs; `<!-- install command -->`: the
 * command for the whole machine.
 */
function withInstall(text: string, folder: string): string {
  const name = folder ? manifestOf(join(root, folder)).name : ''
  const marked = /<!-- install( \w+)? -->[\s\S]*?<!-- \/install -->/g
  if (folder && !marked.test(text))
    return withInstall(`${text.trimEnd()}\n\n## Install\n<!-- install --><!-- /install -->\n`, folder)
  return text.replaceAll(marked, (_whole, whom: string = '') => {
    return `<!-- install${whom} -->\n${installText(whom.trim() || name)}<!-- /install -->`
  })
}

/** How to install a package; `authors` and `command`: see above. */
function installText(what: string): string {
  if (what === 'authors' || what === '@millrace/core' || what === '@millrace/testkit')
    return command(
      'in your connector',
      'npm install --save-dev @millrace/core @millrace/testkit',
      'npm install --save-dev CLONE/packs/millrace-core.tgz CLONE/packs/dev/millrace-testkit.tgz',
    )
  if (what === 'command')
    return released
      ? fence('npm install --global @millrace/cli')
      : `Millrace is not on npm yet. In a clone of [the repository](${repositoryPage}):\n\n${fence('npm ci\nnpm run build\nnpm link --workspace @millrace/cli')}`
  if (what in manifestOf(join(root, 'packages/cli')).dependencies!)
    return `It comes with [\`@millrace/cli\`](${repositoryPage}/blob/main/packages/cli/README.md).\n`
  return command('in your project', `npm install ${what}`, 'npm install CLONE/packs/*.tgz')
}

function command(where: string, fromRegistry: string, fromClone: string): string {
  return released
    ? fence(fromRegistry)
    : `Millrace is not on npm yet. \`npm run pack\` in a clone of\n[the repository](${repositoryPage}) makes the packages.\nThen, ${where}, with the path of the clone for CLONE:\n\n${fence(fromClone)}`
}

function fence(commands: string): string {
  return `\`\`\`sh\n${commands}\n\`\`\`\n`
}
