/** What is said of a connector or step that is not there. */
import { closest } from '../errors/closest.ts'
import { type DefinitionKind, packageNames } from '../registry/index.ts'
import { suggest } from '../spec/suggest.ts'
import type { Place } from '../spec/tree.ts'
import type { Checking } from './context.ts'

/** Connectors that the project publishes, so that the hint can name the package. */
const published: Readonly<Record<'source' | 'sink', readonly string[]>> = {
  source: ['csv', 'files', 'http', 'kafka', 'kinesis', 'log', 's3', 'generate', 'sqlite', 'mongodb', 'dynamodb'],
  sink: [
    'files',
    'sqlite',
    'mongodb',
    'dynamodb',
    's3',
    'redshift',
    'postgres',
    'kafka',
    'kinesis',
    'http',
    'log',
    'console',
    'null',
  ],
}

export function reportMissing(kind: DefinitionKind, type: string, at: Place, path: string, ctx: Checking): void {
  const { registry, report } = ctx
  const missing = registry.missing(kind, type)
  const what = kind === 'transform' ? 'step' : kind
  if (missing?.reason === 'broken') {
    report(
      'connector_broken',
      at,
      path,
      `the ${what} \`${type}\` of ${missing.packages[0]} cannot be loaded: ${missing.message}`,
      {
        hint: `npm install ${missing.packages[0]}`,
      },
    )
    return
  }
  if (missing?.reason === 'not_ours' || missing?.reason === 'not_in_package') {
    const why =
      missing.reason === 'not_ours'
        ? 'its package.json has no `millrace.connectors`'
        : `it brings no ${what} \`${type}\``
    report('connector_broken', at, path, `the package ${missing.packages[0]} is installed, but ${why}`)
    return
  }
  if (kind === 'transform') {
    report('unknown_step', at, path, `there is no step \`${type}\``, {
      hint: suggest(type, registry.names(kind)) ?? `npm install ${packageNames(kind, type)[1] ?? type}`,
    })
    return
  }
  const known = new Set([...registry.names(kind), ...published[kind]])
  const near = known.has(type) ? undefined : closest(type, known)
  const name =
    published[kind].includes(type) || type.startsWith('@') ? packageNames(kind, type)[0] : packageNames(kind, type)[1]
  report('connector_missing', at, path, `no installed package brings the ${what} \`${type}\``, {
    hint: near ? `did you mean \`${near}\`? Else: npm install ${name}` : `npm install ${name}`,
  })
}
