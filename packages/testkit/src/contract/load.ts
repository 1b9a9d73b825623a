/**
 * The surroundings of a connector under test, and how its definition is found. No vitest here: child processes use it
 * too.
 */
import { isAbsolute, join, resolve } from 'node:path'
import type { Definition, Env } from '@millrace/core'

/** The project folder is `root`; everything else as `pipe` sets it. */
export function envIn(root: string, id: string): Env {
  return {
    root,
    home: join(root, '.millrace', 'local'),
    profile: 'local',
    pipeline: 'contract',
    id,
    resolve: (path) => (isAbsolute(path) ? path : resolve(root, path)),
  }
}

/** The definition of `type` that a connector's module exports by default. */
export async function loadDefinition<K extends Definition['kind']>(
  module: string | URL,
  kind: K,
  type: string,
): Promise<Extract<Definition, { kind: K }>> {
  const { default: exported } = (await import(String(module))) as { default: Definition | readonly Definition[] }
  const definitions = Array.isArray(exported) ? (exported as readonly Definition[]) : [exported as Definition]
  const found = definitions.find((definition) => definition.kind === kind && definition.type === type)
  if (!found) throw new Error(`${String(module)} exports no ${kind} of type ${type}`)
  return found as Extract<Definition, { kind: K }>
}
