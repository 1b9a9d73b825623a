/** Findings for a connector or step that is not installed. */
import { closest } from '../errors/closest.ts'
import { type DefinitionKind, packageNames } from '../registry/index.ts'
import type { Place } from '../spec/tree.ts'
import type { Checking } from './context.ts'

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
      missing.reason === 'not_ours' ? 'its package.json has no `millrace.connectors`' : `it has no ${what} \`${type}\``
    report('connector_broken', at, path, `the package ${missing.packages[0]} is installed, but ${why}`)
    return
  }
  if (kind === 'transform') {
    report('unknown_step', at, path, `there is no step \`${type}\``, {
      hint: hintFor(kind, type, registry.names(kind)),
    })
    return
  }
  report('connector_missing', at, path, `no installed package has the ${what} \`${type}\``, {
    hint: hintFor(kind, type, registry.names(kind)),
  })
}

/** The type that was probably meant, else where to find it. A scope names its owner; without one the package may not exist. */
function hintFor(kind: DefinitionKind, type: string, installed: readonly string[]): string {
  const near = closest(type, installed)
  if (near !== undefined) return `did you mean \`${near}\`?`
  if (type.startsWith('@')) return `npm install ${packageNames(kind, type).at(-1)}`
  return `install the package that has it; \`pipe connectors\` lists what is installed`
}
