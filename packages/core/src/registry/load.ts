/**
 * Finds connectors and steps. The command brings its own as loaders; any other is an npm package of the project, found
 * by name: `type: kafka` is `@millrace/source-kafka` or `millrace-source-kafka` (for a sink `-sink-`, for a step
 * `-transform-`), `type: "@acme/orders"` is that package or `@acme/source-orders`. A connector package has `"millrace":
 * { "connectors": ["./dist/index.js"] }` in its package.json. Only what a spec names is imported, so that a command
 * starts fast. This happens before the check, which does no I/O.
 *
 * A checkout that runs from its sources has no builds: it imports packages of the workspace from their sources too.
 */
import { readFile, realpath } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Definition } from '../connector/index.ts'
import {
  type Builtin,
  type DefinitionKind,
  keyOf,
  makeRegistry,
  type Missing,
  type Registered,
  type Registry,
  type Wanted,
} from './registry.ts'

/**
 * Loads what is wanted; `all`: every built-in and every connector package among the project's dependencies. A package
 * that fails to load does not make it throw.
 */
export async function loadRegistry(options: {
  readonly root: string
  readonly builtins: readonly Builtin[]
  readonly wanted: readonly Wanted[] | 'all'
  /** The folder of the command: packages installed next to it are found too, after those of the project. */
  readonly beside?: string
}): Promise<Registry> {
  const { root, builtins, beside } = options
  const places = beside === undefined ? [root] : [root, beside]
  const loaded = new Map<string, Registered>()
  const missing = new Map<string, Missing>()
  const wanted = options.wanted === 'all' ? builtins : options.wanted
  const under = new Map<string, Promise<Registered | Missing>>()
  const load = async ({ kind, type, needs }: Wanted): Promise<void> => {
    const key = keyOf(kind, type)
    const builtin = builtins.find((entry) => entry.kind === kind && entry.type === type)
    if (!under.has(key)) under.set(key, builtin ? loadBuiltin(builtin) : loadInstalled(places, kind, type))
    const found = await under.get(key)!
    if (!('definition' in found)) missing.set(key, found)
    else {
      loaded.set(key, found)
      if (needs) await Promise.all(needs(found.definition).map(load))
    }
  }
  await Promise.all(wanted.map(load))
  if (options.wanted === 'all')
    for (const entry of await loadDependencies(root))
      loaded.set(keyOf(entry.definition.kind, entry.definition.type), entry)
  return makeRegistry(loaded, missing, builtins)
}

async function loadBuiltin(builtin: Builtin): Promise<Registered | Missing> {
  try {
    return { definition: await builtin.load(), package: builtin.package }
  } catch (error) {
    return {
      kind: builtin.kind,
      type: builtin.type,
      reason: 'broken',
      packages: [builtin.package],
      ...failureOf(error),
    }
  }
}

/** The package names under which a definition is looked up. */
export function packageNames(kind: DefinitionKind, type: string): readonly string[] {
  const scoped = /^(@[^/]+)\/(.+)$/.exec(type)
  if (scoped) return [type, `${scoped[1]}/${kind}-${scoped[2]}`]
  return [`@millrace/${kind}-${type}`, `millrace-${kind}-${type}`]
}

async function loadInstalled(
  places: readonly string[],
  kind: DefinitionKind,
  type: string,
): Promise<Registered | Missing> {
  const packages = packageNames(kind, type)
  // A word that cannot be a package name is not looked up: it could lead out of node_modules.
  const names = packages.filter((name) => /^(@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/.test(name))
  let failure: Missing = { kind, type, reason: 'not_installed', packages }
  for (const name of names) {
    const found = await findInstalled(places, name)
    if (!found) continue
    if (!found.connectors) {
      failure = { kind, type, reason: 'not_ours', packages: [name] }
      continue
    }
    try {
      const ofKind = (await importPackage(found)).filter((definition) => definition.kind === kind)
      const definition =
        ofKind.find((each) => each.type === type) ??
        (type.startsWith('@') && ofKind.length === 1 ? ofKind[0] : undefined)
      if (definition)
        return { definition: definition.type === type ? definition : { ...definition, type }, package: name }
      failure = { kind, type, reason: 'not_in_package', packages: [name] }
    } catch (error) {
      failure = { kind, type, reason: 'broken', packages: [name], ...failureOf(error) }
    }
  }
  return failure
}

interface FoundPackage {
  readonly name: string
  readonly folder: string
  /** Its modules with definitions; undefined: it is not a connector package. */
  readonly connectors: readonly string[] | undefined
}

/** The package, from the first of these folders that has it. */
async function findInstalled(places: readonly string[], name: string): Promise<FoundPackage | undefined> {
  for (const place of places) {
    const found = await findPackage(place, name)
    if (found) return found
  }
  return undefined
}

const fromSources = import.meta.url.endsWith('.ts')

/** The source module of a package, if there is one and this process runs from sources too. */
const sourceOf = (manifest: Readonly<Record<string, unknown>>): string | undefined =>
  fromSources
    ? (manifest['exports'] as Readonly<Record<string, Readonly<Record<string, string>>>> | undefined)?.['.']?.[
        '@millrace/source'
      ]
    : undefined

/** The package as Node would resolve it from `root`: in the nearest node_modules that has it. */
async function findPackage(root: string, name: string): Promise<FoundPackage | undefined> {
  for (let folder = root; ; folder = dirname(folder)) {
    const at = join(folder, 'node_modules', name)
    const manifest = await readManifest(join(at, 'package.json'))
    if (manifest) {
      const connectors = (manifest['millrace'] as { connectors?: unknown } | undefined)?.connectors
      const paths = Array.isArray(connectors)
        ? connectors.filter((path): path is string => typeof path === 'string')
        : undefined
      if (!paths?.length) return { name, folder: at, connectors: undefined }
      const source = sourceOf(manifest)
      return source === undefined
        ? { name, folder: at, connectors: paths }
        : { name, folder: await realpath(at), connectors: [source] }
    }
    if (dirname(folder) === folder) return undefined
  }
}

async function readManifest(path: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Readonly<Record<string, unknown>>
  } catch {
    return undefined
  }
}

async function importPackage(found: FoundPackage): Promise<readonly Definition[]> {
  const definitions: Definition[] = []
  for (const path of found.connectors ?? []) {
    const module = (await import(pathToFileURL(join(found.folder, path)).href)) as { default?: unknown }
    const given = Array.isArray(module.default) ? module.default : [module.default]
    for (const definition of given) if (isDefinition(definition)) definitions.push(definition)
  }
  return definitions
}

function isDefinition(value: unknown): value is Definition {
  if (typeof value !== 'object' || value === null) return false
  const { kind, type, options, create } = value as Partial<Definition>
  return (
    (kind === 'source' || kind === 'sink' || kind === 'transform') &&
    typeof type === 'string' &&
    typeof options === 'object' &&
    typeof create === 'function'
  )
}

/**
 * The connector packages among the project's dependencies. One that fails to load is left out; a spec that names it
 * gets the reason.
 */
async function loadDependencies(root: string): Promise<readonly Registered[]> {
  const manifest = await readManifest(join(root, 'package.json'))
  const names = Object.keys({ ...(manifest?.['dependencies'] ?? {}), ...(manifest?.['devDependencies'] ?? {}) })
  const loaded = await Promise.all(
    names.map(async (name) => {
      const found = await findPackage(root, name)
      if (!found?.connectors) return []
      try {
        return (await importPackage(found)).map((definition) => ({ definition, package: name }))
      } catch {
        return []
      }
    }),
  )
  return loaded.flat()
}

/** The package may have its own copy of core, so the class of its errors proves nothing. */
const failureOf = (error: unknown): Pick<Missing, 'message' | 'hint'> =>
  error instanceof Error
    ? { message: error.message, hint: (error as { hint?: string }).hint }
    : { message: String(error) }
