/** Finds the project: the folder with `millrace.yaml`. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { stateSetting } from '@millrace/core'
import type { Flag } from './command.ts'
import { specFlags } from './spec-flags.ts'

/** The nearest folder at or above `from` with `millrace.yaml`; `from` itself if there is none. */
export function findRoot(from: string): string {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'millrace.yaml'))) return folder
    if (dirname(folder) === folder) return resolve(from)
  }
}

/** The data folder of a profile: state, the embedded store and the embedded log. */
export const homeOf = (root: string, profile: string): string => join(root, '.millrace', profile)

/** The folder with the state folders of a profile's pipelines. */
export async function stateHome(
  root: string,
  profile: string,
  flags: { readonly 'state-dir'?: string | undefined },
  cwd: string,
): Promise<string> {
  const folder = flags['state-dir'] === undefined ? await stateSetting(root) : resolve(cwd, flags['state-dir'])
  return folder === undefined ? homeOf(root, profile) : join(folder, profile)
}

/** The flags of commands about state, which need no spec. */
export const stateFlags = {
  profile: { type: 'text', value: 'NAME', description: 'Profile; default local.' },
  'state-dir': specFlags['state-dir'],
  json: { type: 'boolean', description: 'Print JSON.' },
} as const satisfies Readonly<Record<string, Flag>>

/** A file of the project, for an excerpt; undefined if it cannot be read. */
export function textOf(root: string, file: string): string | undefined {
  try {
    return readFileSync(resolve(root, file), 'utf8')
  } catch {
    return undefined
  }
}
