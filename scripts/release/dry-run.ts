/**
 * `npm run release:dry`: a whole release, into a local registry that is discarded afterwards. Versions are raised in a
 * clone, to see what a release of core does to the others; `npm run release` then publishes the checkout as it is, and
 * a blank project installs the command and a third-party connector with each package manager, on Node 22 and on Node
 * 24, and runs a pipeline. Only third-party packages come from the registry that npm is configured to use.
 */
import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '@millrace/testkit'
import { type Manifest, manifestOf, packageFolders } from '../packages.ts'
import { madeConnector, plainEnv } from './pack.ts'

const root = resolve(import.meta.dirname, '../..')
const tools = join(import.meta.dirname, 'node_modules')
const work = mkdtempSync(join(tmpdir(), 'millrace-release-'))
const registry = `http://127.0.0.1:${await freePort()}/`

// None of this machine's settings get into the projects, and nothing from the projects into this machine's caches.
const home = join(work, 'home')
const env: NodeJS.ProcessEnv = {
  ...Object.fromEntries(Object.entries(plainEnv()).filter(([name]) => !/^(npm|pnpm|yarn)_/i.test(name))),
  HOME: home,
  npm_config_userconfig: join(home, '.npmrc'),
  npm_config_cache: join(home, 'npm'),
  npm_config_registry: registry,
  NO_PROXY: [process.env['NO_PROXY'], '127.0.0.1'].filter(Boolean).join(),
}

const spec = `version: 1
name: acme
source:
  type: acme-orders
  config: { records: 250 }
  schema: { fields: { id: integer, name: string } }
sinks:
  kept: { type: files, config: { path: out/, format: jsonl } }
`

/** How each package manager adds packages to a project: the files that name the registry, and its command. */
const managers: Readonly<Record<string, { files: Readonly<Record<string, string>>; words: readonly string[] }>> = {
  npm: { files: {}, words: [npmCli(), 'install', '--strict-peer-deps', '--no-audit', '--no-fund', '--loglevel=error'] },
  pnpm: {
    // A package that is a minute old is exactly what is tested here.
    files: {
      '.npmrc': `registry=${registry}\n`,
      'pnpm-workspace.yaml': `minimumReleaseAge: 0\nstrictPeerDependencies: true\nstoreDir: ${join(home, 'pnpm')}\n`,
    },
    words: [join(tools, 'pnpm/bin/pnpm.mjs'), 'add'],
  },
  yarn: {
    files: {
      'yarn.lock': '',
      '.yarnrc.yml': `nodeLinker: node-modules\nnpmRegistryServer: "${registry}"\nunsafeHttpWhitelist: ["127.0.0.1"]\nnpmMinimalAgeGate: 0\nenableTelemetry: false\nenableImmutableInstalls: false\n`,
    },
    words: [join(tools, '@yarnpkg/cli-dist/bin/yarn.js'), 'add'],
  },
  'yarn 1': {
    files: { '.npmrc': `registry=${registry}\n` },
    words: [join(tools, 'yarn/bin/yarn.js'), 'add', '--non-interactive', '--registry', registry],
  },
}

const nodes = { 22: join(tools, 'node-22/bin/node'), 24: process.execPath }

let server: ReturnType<typeof spawn> | undefined
try {
  mkdirSync(home)
  writeFileSync(join(home, '.npmrc'), `//${new URL(registry).host}/:_authToken=nobody\n`)
  await step('versions: a release of core takes the others along, and makes none a major', raiseVersions)
  await step('a registry on this machine', startRegistry)
  await step('npm run release', () => void run(root, 'npm', ['run', '--silent', 'release', '--', '--no-git-tag']))
  await step('a connector of somebody else', () => {
    const { path } = madeConnector('source', work)
    run(work, 'npm', ['publish', '--loglevel=error', path])
  })
  for (const [major, node] of Object.entries(nodes))
    for (const name of Object.keys(managers))
      await step(`Node ${major}, ${name}: installs the command and the connector, and runs them`, () =>
        use(name, major, node),
      )
  process.stdout.write('\nA release can be made.\n')
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`)
  process.exitCode = 1
} finally {
  server?.kill()
  rmSync(work, { recursive: true, force: true, maxRetries: 5 })
}

/** In a clone: what `changeset version` makes of a minor and then of a patch of core. */
function raiseVersions(): void {
  const clone = join(work, 'clone')
  run(work, 'git', ['clone', '--quiet', '--no-tags', root, clone])
  symlinkSync(join(root, 'node_modules'), join(clone, 'node_modules'))
  const pending = join(clone, '.changeset')
  for (const file of readdirSync(pending)) if (file.endsWith('.md')) rmSync(join(pending, file))
  const before = manifestsIn(clone)
  const version = before[0]!.version.split('.').map(Number) as [number, number, number]
  const raised = (kind: 'minor' | 'patch'): Manifest[] => {
    writeFileSync(join(pending, 'core.md'), `---\n"@millrace/core": ${kind}\n---\n\nCore changes.\n`)
    run(clone, process.execPath, [join(root, 'node_modules/@changesets/cli/bin.js'), 'version'])
    return manifestsIn(clone)
  }
  const ranges = (all: readonly Manifest[]) => all.map((each) => each.peerDependencies?.['@millrace/core'])

  const minor = raised('minor')
  const next = `${version[0]}.${version[1] + 1}.0`
  for (const { name, version: given, peerDependencies } of minor) {
    if (given !== next) throw new Error(`a minor of core makes ${name} ${given} instead of ${next}`)
    const range = peerDependencies?.['@millrace/core']
    if (range !== undefined && range !== `^${next}`) throw new Error(`${name} ${given} wants core ${range}`)
  }
  const patch = raised('patch')
  const wrong = patch.find((each) => each.version !== next.replace(/0$/, '1'))
  if (wrong) throw new Error(`a patch of core makes ${wrong.name} ${wrong.version}`)
  if (ranges(patch).join() !== ranges(minor).join())
    throw new Error('a patch of core changes what connectors want of it')
}

function manifestsIn(folder: string): Manifest[] {
  return packageFolders.map((each) => manifestOf(join(folder, each)))
}

async function startRegistry(): Promise<void> {
  const uplink = execFileSync('npm', ['config', 'get', 'registry'], {
    cwd: root,
    encoding: 'utf8',
    env: plainEnv(),
  }).trim()
  const config = join(work, 'registry.yaml')
  writeFileSync(
    config,
    `storage: ${join(work, 'storage')}
uplinks: { outside: { url: "${uplink}", cache: true, maxage: 30m, timeout: 60s } }
packages:
  "@millrace/*": { access: $all, publish: $all }
  "millrace-*": { access: $all, publish: $all }
  "**": { access: $all, proxy: outside }
log: { type: file, path: ${join(work, 'registry.log')}, level: warn }
web: { enable: false }
max_body_size: 100mb
`,
  )
  server = spawn(
    process.execPath,
    [join(tools, 'verdaccio/bin/verdaccio'), '--config', config, '--listen', registry.replace(/\/$/, '')],
    { cwd: work, stdio: 'ignore', env: plainEnv() },
  )
  for (let tries = 0; tries < 150; tries++) {
    if (server.exitCode !== null) break
    if (
      await fetch(`${registry}-/ping`).then(
        (answer) => answer.ok,
        () => false,
      )
    )
      return
    await sleep(200)
  }
  throw new Error(`the registry does not start: ${readFileSync(join(work, 'registry.log'), 'utf8')}`)
}

/** Adds the packages to a blank project with package manager `name`, and runs a pipeline there. */
function use(name: string, major: string, node: string): void {
  const project = join(work, `${name.replace(' ', '-')}-${major}`)
  mkdirSync(project)
  const { files, words } = managers[name]!
  const blank = { name: 'blank', version: '1.0.0', private: true, type: 'module' }
  const all = { 'package.json': JSON.stringify(blank), 'acme.yaml': spec, ...files }
  for (const [path, text] of Object.entries(all)) writeFileSync(join(project, path), text)
  run(project, node, [...words, '@millrace/cli', 'millrace-source-acme-orders'], node)

  const pipe = join(project, 'node_modules/.bin/pipe')
  const summary = JSON.parse(run(project, pipe, ['run', 'acme.yaml', '--json'], node)) as { balances: boolean }
  const written = readdirSync(join(project, 'out')).filter((file) => file.endsWith('.jsonl'))
  const lines = written.flatMap((file) =>
    readFileSync(join(project, 'out', file), 'utf8')
      .trimEnd()
      .split('\n'),
  )
  if (!summary.balances || lines.length !== 250) throw new Error(`250 records were read, ${lines.length} are kept`)
  // These need a vendor's library, which is loaded only when they are used.
  for (const type of ['http', 'files', 'sqlite']) run(project, pipe, ['describe', type, '--json'], node)
  rmSync(project, { recursive: true })
}

/** The npm that runs this script, as a file that any Node can run. */
function npmCli(): string {
  const path = process.env['npm_execpath']
  if (!path) throw new Error('run it as `npm run release:dry`')
  return path
}

/** Runs a command, with `node` as its Node, and returns its output; throws with all of it when it fails. */
function run(cwd: string, command: string, args: readonly string[], node: string = process.execPath): string {
  try {
    return execFileSync(command, args, {
      cwd,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      maxBuffer: 1 << 28,
      env: { ...env, PATH: [dirname(node), process.env['PATH']].join(delimiter) },
    })
  } catch (error) {
    const { status, stdout, stderr } = error as { status: number; stdout: string; stderr: string }
    throw new Error(`${command} ${args.join(' ')} ended with ${status}:\n${stdout}\n${stderr}`, { cause: error })
  }
}

async function step(what: string, act: () => void | Promise<void>): Promise<void> {
  const startMs = performance.now()
  process.stdout.write(`${what}\n`)
  await act()
  process.stdout.write(`  done in ${((performance.now() - startMs) / 1000).toFixed(1)} s\n`)
}
