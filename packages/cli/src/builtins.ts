/**
 * The sources, steps and sinks that come with the command, each imported only when a spec names it. All others,
 * including Kafka and MongoDB, are packages that a project installs.
 */
import {
  type Builtin,
  type Definition,
  type DefinitionKind,
  loadRegistry,
  type Registry,
  type Wanted,
} from '@millrace/core'

interface Door {
  readonly default: readonly Definition[]
}

const from = (
  packageName: string,
  kind: DefinitionKind,
  types: readonly string[],
  load: () => Promise<Door>,
): Builtin[] =>
  types.map((type) => ({
    kind,
    type,
    package: packageName,
    load: async () =>
      (await load()).default.find((definition) => definition.kind === kind && definition.type === type)!,
  }))

/** The steps of `@millrace/transforms`. */
export const stepTypes = [
  'parse_dates',
  'select',
  'set',
  'drop',
  'where',
  'route',
  'cast',
  'default',
  'dedupe',
  'explode',
  'nest',
  'join',
  'call',
  'aggregate',
] as const

/** All of them. A test compares this list with the exports of the packages. */
export const builtins: readonly Builtin[] = [
  ...from('@millrace/source-csv', 'source', ['csv'], () => import('@millrace/source-csv')),
  ...from('@millrace/source-files', 'source', ['files'], () => import('@millrace/source-files')),
  ...from('@millrace/source-sqlite', 'source', ['sqlite'], () => import('@millrace/source-sqlite')),
  ...from('@millrace/source-http', 'source', ['http', 'http_poll'], () => import('@millrace/source-http')),
  ...from('@millrace/source-generate', 'source', ['generate'], () => import('@millrace/source-generate')),
  ...from('@millrace/source-log', 'source', ['log'], () => import('@millrace/source-log')),
  ...from('@millrace/sink-files', 'sink', ['files'], () => import('@millrace/sink-files')),
  ...from('@millrace/sink-sqlite', 'sink', ['sqlite'], () => import('@millrace/sink-sqlite')),
  ...from('@millrace/sink-http', 'sink', ['http'], () => import('@millrace/sink-http')),
  ...from('@millrace/sink-log', 'sink', ['log'], () => import('@millrace/sink-log')),
  ...from('@millrace/sink-console', 'sink', ['console'], () => import('@millrace/sink-console')),
  ...from('@millrace/sink-null', 'sink', ['null'], () => import('@millrace/sink-null')),
  ...from('@millrace/transforms', 'transform', stepTypes, () => import('@millrace/transforms')),
]

/**
 * Loads what is wanted from the command's own connectors and steps, the project's, and those installed next to the
 * command.
 */
export const loadConnectors = (root: string, wanted: readonly Wanted[] | 'all'): Promise<Registry> =>
  loadRegistry({ root, builtins, wanted, beside: import.meta.dirname })
