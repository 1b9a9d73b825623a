/** What a check and a run look connectors and steps up in. */
import type { Definition, SinkDefinition, SourceDefinition, TransformDefinition } from '../connector/index.ts'

/** `source`, `sink` or `transform`. */
export type DefinitionKind = Definition['kind']

/** What to look for: a kind and the word in the spec. */
export interface Wanted {
  readonly kind: DefinitionKind
  readonly type: string
  /** What else is wanted, once this is loaded: the source of a side input. */
  readonly needs?: (definition: Definition) => readonly Wanted[]
}

/** A definition that the command brings with it. `load` is called once, and only if it is wanted. */
export interface Builtin extends Wanted {
  readonly package: string
  load(): Promise<Definition>
}

/** A definition that was loaded. */
export interface Registered {
  readonly definition: Definition
  /** The npm package it came from. */
  readonly package: string
}

/** Why a definition is not there. `packages`: the names under which it was looked for, the likeliest first. */
export interface Missing extends Wanted {
  readonly reason: 'not_installed' | 'not_ours' | 'broken' | 'not_in_package'
  readonly packages: readonly string[]
  readonly message?: string
  /** What its authors can do about it. */
  readonly hint?: string
}

/** What a check and a run look definitions up in. */
export interface Registry {
  source(type: string): SourceDefinition | undefined
  sink(type: string): SinkDefinition | undefined
  step(type: string): TransformDefinition | undefined
  /** The npm package that a loaded definition came from. */
  packageOf(kind: DefinitionKind, type: string): string
  /** Why a definition that was wanted is not there. */
  missing(kind: DefinitionKind, type: string): Missing | undefined
  /** The words known for this kind, loaded or not: for "did you mean". */
  names(kind: DefinitionKind): readonly string[]
  /** All that was loaded. */
  readonly all: readonly Registered[]
}

/** What a definition is known by. */
export const keyOf = (kind: string, type: string): string => `${kind}:${type}`

/** A registry of definitions at hand, for tests and tools. */
export function registryOf(
  definitions: readonly Registered[],
  missing: readonly Missing[] = [],
  names: readonly Wanted[] = [],
): Registry {
  const loaded = new Map(definitions.map((entry) => [keyOf(entry.definition.kind, entry.definition.type), entry]))
  return makeRegistry(loaded, new Map(missing.map((entry) => [keyOf(entry.kind, entry.type), entry])), names)
}

/** A registry of what was loaded and what was not, by `keyOf`; `names`: what is known besides. */
export function makeRegistry(
  loaded: ReadonlyMap<string, Registered>,
  missing: ReadonlyMap<string, Missing>,
  names: readonly Wanted[],
): Registry {
  const find = (kind: DefinitionKind, type: string) => loaded.get(keyOf(kind, type))?.definition
  return {
    source: (type) => find('source', type) as SourceDefinition | undefined,
    sink: (type) => find('sink', type) as SinkDefinition | undefined,
    step: (type) => find('transform', type) as TransformDefinition | undefined,
    packageOf: (kind, type) => loaded.get(keyOf(kind, type))?.package ?? '',
    missing: (kind, type) => missing.get(keyOf(kind, type)),
    names: (kind) => {
      const known = [...names, ...[...loaded.values()].map((entry) => entry.definition)]
      return [...new Set(known.filter((entry) => entry.kind === kind).map((entry) => entry.type))].sort()
    },
    all: [...loaded.values()],
  }
}
