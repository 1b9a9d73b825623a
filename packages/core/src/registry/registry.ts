/** The registry in which a check and a run look up connectors and steps. */
import type { Definition, SinkDefinition, SourceDefinition, TransformDefinition } from '../connector/index.ts'

/** `source`, `sink` or `transform`. */
export type DefinitionKind = Definition['kind']

/** What to look for: a kind, and the word in the spec. */
export interface Wanted {
  readonly kind: DefinitionKind
  readonly type: string
  /** Other definitions that this one needs once it is loaded: the source of a side input. */
  readonly needs?: (definition: Definition) => readonly Wanted[]
}

/** A definition that comes with the command. `load` is called once, and only if it is wanted. */
export interface Builtin extends Wanted {
  readonly package: string
  load(): Promise<Definition>
}

/** A definition that was loaded. */
export interface Registered {
  readonly definition: Definition
  /** The npm package it comes from. */
  readonly package: string
}

/** Why a definition is missing. `packages`: the names under which it was looked up, most likely first. */
export interface Missing extends Wanted {
  readonly reason: 'not_installed' | 'not_ours' | 'broken' | 'not_in_package'
  readonly packages: readonly string[]
  readonly message?: string
  /** What its authors can do about it. */
  readonly hint?: string
}

/** The registry in which a check and a run look up definitions. */
export interface Registry {
  source(type: string): SourceDefinition | undefined
  sink(type: string): SinkDefinition | undefined
  step(type: string): TransformDefinition | undefined
  /** The npm package of a loaded definition. */
  packageOf(kind: DefinitionKind, type: string): string
  /** Why a wanted definition is missing. */
  missing(kind: DefinitionKind, type: string): Missing | undefined
  /** The known words of this kind, loaded or not: for "did you mean". */
  names(kind: DefinitionKind): readonly string[]
  /** Everything that was loaded. */
  readonly all: readonly Registered[]
}

/** The key of a definition. */
export const keyOf = (kind: string, type: string): string => `${kind}:${type}`

/** A registry of given definitions, for tests and tools. */
export function registryOf(
  definitions: readonly Registered[],
  missing: readonly Missing[] = [],
  names: readonly Wanted[] = [],
): Registry {
  const loaded = new Map(definitions.map((entry) => [keyOf(entry.definition.kind, entry.definition.type), entry]))
  return makeRegistry(loaded, new Map(missing.map((entry) => [keyOf(entry.kind, entry.type), entry])), names)
}

/** A registry of what was loaded and what is missing, by `keyOf`; `names`: other known names. */
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
