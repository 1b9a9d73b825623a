/**
 * Connections: names that a spec uses, each with a kind declared in millrace.yaml, and bound to a system by the
 * profile. The profile `local` binds every kind to its embedded implementation unless a file says otherwise. A binding
 * in the spec itself applies if the profile has none, and one in millrace.yaml if the spec has none either: for what is
 * the same in every profile, such as a generator.
 */
import { option } from '../connector/options.ts'
import type { ConnectionKind } from '../connector/index.ts'
import type { Report } from './finding.ts'
import { interpolate } from './interpolate.ts'
import type { Project } from './project.ts'
import { readKeys } from './read.ts'
import { type RetryRule, retryRule } from './retry.ts'
import { bindingShape, kinds, profileShape, projectShape } from './shape.ts'
import { suggest } from './suggest.ts'
import { entryOf, lineAndColumn, type MapEntry, type MapNode, type Place, type SpecNode } from './tree.ts'

export interface Binding {
  readonly type: string
  readonly typePlace: Place
  readonly kind?: ConnectionKind
  /** Options shared by all uses, interpolated, with the file they come from. */
  readonly config?: SpecNode
  /** Names in specs to names in the system. */
  readonly names: Readonly<Record<string, string>>
  readonly retry?: RetryRule
}

/** What the profile `local` binds each kind to. */
const twins: Readonly<Record<ConnectionKind, string>> = {
  stream: 'log',
  documents: 'sqlite',
  objects: 'files',
  warehouse: 'sqlite',
  endpoint: 'http',
}

/** All connections of a project, by name, with the entry that declares or binds each. */
export interface Connections {
  readonly kinds: ReadonlyMap<string, ConnectionKind>
  readonly bindings: ReadonlyMap<string, MapEntry>
}

/** Reads millrace.yaml, the profile and the spec's own connections; problems with their keys are reported. */
export function readConnections(project: Project, own: MapEntry | undefined, report: Report): Connections {
  const declared = new Map<string, ConnectionKind>()
  const bindings = new Map<string, MapEntry>()
  if (own && own.value.kind !== 'map')
    report('wrong_type', own.value.place, 'connections', '`connections` must be a map of names', { expected: 'a map' })
  for (const entry of own?.value.kind === 'map' ? own.value.entries : []) {
    if (entry.value.kind === 'map') bindings.set(entry.key, entry)
    else addKind(entry, 'connections', declared, report)
  }
  if (project.projectTree) {
    const shape = { ...projectShape, connections: option.any('') }
    const { keys, values } = readKeys(project.projectTree, shape, '', report)
    const version = values['version']
    if (version !== undefined && version !== 1)
      report(
        'version_unsupported',
        keys.get('version')!.value.place,
        'version',
        `version ${String(version)} is not supported`,
      )
    const inProject = entryOf(project.projectTree, 'connections')?.value
    for (const entry of inProject?.kind === 'map' ? inProject.entries : []) {
      if (entry.value.kind !== 'map') addKind(entry, 'connections', declared, report)
      else if (!bindings.has(entry.key)) bindings.set(entry.key, entry)
    }
  }
  if (project.profileTree) {
    readKeys(project.profileTree, profileShape, '', report)
    const inProfile = entryOf(project.profileTree, 'connections')?.value
    if (inProfile && inProfile.kind !== 'map')
      report('wrong_type', inProfile.place, 'connections', '`connections` must be a map of names', {
        expected: 'a map',
      })
    for (const entry of inProfile?.kind === 'map' ? inProfile.entries : []) bindings.set(entry.key, entry)
  }
  return { kinds: declared, bindings }
}

function addKind(entry: MapEntry, path: string, declared: Map<string, ConnectionKind>, report: Report): void {
  const word = entry.value.kind === 'scalar' ? entry.value.text : ''
  if ((kinds as readonly string[]).includes(word)) declared.set(entry.key, word as ConnectionKind)
  else
    report('bad_value', entry.value.place, `${path}.${entry.key}`, 'a connection must have one kind', {
      expected: `one of ${kinds.join(', ')}`,
      got: `\`${word}\``,
      hint: suggest(word, kinds),
    })
}

/** The binding of a connection; undefined: there is none, which is reported at `use`. */
export function bind(
  project: Project,
  known: Connections,
  use: MapEntry,
  path: string,
  report: Report,
): Binding | undefined {
  if (use.value.kind !== 'scalar' || typeof use.value.value !== 'string' || use.value.broken) return undefined
  const name = use.value.value
  const kind = known.kinds.get(name)
  const entry = known.bindings.get(name)
  if (!entry) {
    if (kind && project.profile === 'local') return { type: twins[kind], typePlace: use.value.place, kind, names: {} }
    if (kind)
      report(
        'connection_unbound',
        use.value.place,
        path,
        `the profile \`${project.profile}\` does not bind \`${name}\``,
        {
          hint: `add it to profiles/${project.profile}.yaml: connections: { ${name}: { type: ... } }`,
        },
      )
    else {
      const all = [...known.kinds.keys(), ...known.bindings.keys()]
      report('unknown_connection', use.value.place, path, `no connection is named \`${name}\``, {
        hint: suggest(name, all) ?? `declare it in millrace.yaml: connections: { ${name}: documents }`,
      })
    }
    return undefined
  }
  const at = `connections.${name}`
  const filled: MapEntry = { ...entry, value: interpolate(entry.value, at, project.values, report) }
  const { keys, values } = readKeys(filled.value, bindingShape, at, report)
  if (typeof values['type'] !== 'string') return undefined
  const own = kind ?? (values['kind'] as ConnectionKind | undefined)
  const config = keys.get('config')?.value
  return {
    type: values['type'],
    typePlace: keys.get('type')!.value.place,
    kind: own,
    config,
    names: (values['names'] ?? {}) as Record<string, string>,
    retry: values['retry'] === undefined ? undefined : retryRule(values['retry']),
  }
}

/** The options of the connection and of its use as one map. A key in both is reported. */
export function mergeConfig(
  own: SpecNode | undefined,
  shared: SpecNode | undefined,
  at: Place,
  path: string,
  report: Report,
): SpecNode {
  const empty: MapNode = { kind: 'map', place: { ...at, end: at.end }, entries: [] }
  if (own && own.kind !== 'map') return own
  if (!shared || shared.kind !== 'map') return own ?? empty
  const entries = [...(own?.entries ?? [])]
  for (const entry of shared.entries) {
    const twice = entries.find(({ key }) => key === entry.key)
    if (twice)
      report(
        'config_in_both',
        twice.keyPlace,
        `${path}.${entry.key}`,
        `\`${entry.key}\` is set here and in ${entry.keyPlace.file.path}`,
      )
    else entries.push(entry)
  }
  return { ...(own ?? empty), entries }
}

/**
 * Where a connection is bound: `profiles/aws.yaml:3:3`. In the profile, else in the spec, else where millrace.yaml
 * binds or declares it.
 */
export function placeOfConnection(project: Project, name: string): string | undefined {
  for (const tree of [project.profileTree, project.spec, project.projectTree]) {
    const connections = tree && entryOf(tree, 'connections')?.value
    const entry = connections && entryOf(connections, name)
    if (!entry) continue
    const { line, col } = lineAndColumn(entry.keyPlace.file, entry.keyPlace.start)
    return `${entry.keyPlace.file.path}:${line}:${col}`
  }
  return undefined
}
