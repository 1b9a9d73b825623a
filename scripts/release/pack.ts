/**
 * The packages as npm would publish them. `npm run pack` puts them into packs/, from where a project installs them
 * until they are on npm: `npm install CLONE/packs/*.tgz`. The names contain no version, so a command stays the same;
 * the testkit, which needs vitest, is in packs/dev.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '../..')

/** A package as a file. */
export interface Packed {
  readonly name: string
  readonly path: string
}

/** Packs every package of the workspace, as built, into `folder`. */
export function packAll(folder: string): Packed[] {
  mkdirSync(folder, { recursive: true })
  return pack(root, ['--workspaces', '--pack-destination', folder]).map(({ name, filename }) => ({
    name,
    path: join(folder, basename(filename)),
  }))
}

function packOne(from: string, folder: string): Packed {
  mkdirSync(folder, { recursive: true })
  const [{ name, filename }] = pack(from, ['--pack-destination', folder]) as [{ name: string; filename: string }]
  return { name, path: join(folder, basename(filename)) }
}

function pack(cwd: string, args: readonly string[]): { readonly name: string; readonly filename: string }[] {
  const out = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--loglevel=error', ...args], {
    cwd,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    env: plainEnv(),
  })
  const made = JSON.parse(out) as Record<string, { name: string; filename: string }>
  return Object.values(made).map(({ name, filename }) => ({
    name,
    filename: filename.replace('@', '').replace('/', '-'),
  }))
}

/** A connector as its author would pack it, built against the packages of this repository. */
export function madeConnector(kind: 'source' | 'sink', into: string): Packed {
  const pipe = join(root, 'packages/cli/bin/pipe.mjs')
  execFileSync(process.execPath, [pipe, 'new', 'connector', 'acme-orders', `--${kind}`], { cwd: into })
  const folder = join(into, `millrace-${kind}-acme-orders`)
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  execFileSync(join(root, 'node_modules/.bin/tsc'), { cwd: folder })
  return packOne(folder, join(into, 'packs'))
}

/** This process's environment without what the npm that runs this script sets for its own folder. */
export function plainEnv(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^npm_(package|lifecycle|command|config_local_prefix)/.test(name)),
  )
}

if (import.meta.main) {
  const packs = join(root, 'packs')
  rmSync(packs, { recursive: true, force: true })
  const all = packAll(packs)
  mkdirSync(join(packs, 'dev'))
  for (const { name, path } of all) {
    const file = `${name.replace('@', '').replace('/', '-')}.tgz`
    renameSync(path, join(packs, name === '@millrace/testkit' ? 'dev' : '', file))
  }
  process.stdout.write(`${all.length} packages are in packs/. In a project:\n  npm install ${packs}/*.tgz\n`)
}
