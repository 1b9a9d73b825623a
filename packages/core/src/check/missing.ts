/** Findings for a connector or step that is not installed. */
import { closest } from '../errors/closest.ts'
import { type DefinitionKind, howToInstall, packageNames } from '../registry/index.ts'
import { suggest } from '../spec/suggest.ts'
import type { Place } from '../spec/tree.ts'
import type { Checking } from './context.ts'
import { connectorsOfOurs } from './ours.ts'

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
        hint:
          missing.hint ??
          (missing.packages[0]!.startsWith('@millrace/') ? howToInstall(missing.packages[0]!) : 'install it again'),
      },
    )
    return
  }
  if (missing?.reason === 'not_ours' || missing?.reason === 'not_in_package') {
    const why =
      missing.reason === 'not_ours'
        ? 'its package.json has no `millrace.connectors`'
        : `it does not have the ${what} \`${type}\``
    report('connector_broken', at, path, `the package ${missing.packages[0]} is installed, but ${why}`)
    return
  }
  if (kind === 'transform') {
    report('unknown_step', at, path, `there is no step \`${type}\``, {
      hint: suggest(type, registry.names(kind)) ?? lookedFor(packageNames(kind, type)),
    })
    return
  }
  const ours = connectorsOfOurs[kind]
  const known = new Set([...registry.names(kind), ...ours])
  const near = known.has(type) ? undefined : closest(type, known)
  const names = packageNames(kind, type)
  const todo = ours.includes(type) ? howToInstall(names[0]!) : lookedFor(names)
  report('connector_missing', at, path, `no installed package has the ${what} \`${type}\``, {
    hint: near ? `did you mean \`${near}\`? Otherwise: ${todo}` : todo,
  })
}

/** Whether a third-party package is on npm, and who published it, cannot be determined here. */
function lookedFor(names: readonly string[]): string {
  const others = names.filter((name) => !name.startsWith('@millrace/'))
  return `install the package that provides it, named ${others.join(' or ')}`
}
