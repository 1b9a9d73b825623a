/** Where the project is: the folder that holds `millrace.yaml`. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

/** The nearest folder at or above `from` that holds `millrace.yaml`; `from` itself where none does. */
export function findRoot(from: string): string {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'millrace.yaml'))) return folder
    if (dirname(folder) === folder) return resolve(from)
  }
}

/** The data folder of a profile: state, the embedded store and the embedded log. */
export const homeOf = (root: string, profile: string): string => join(root, '.millrace', profile)

/** A file of the project, for an excerpt; undefined where it cannot be read. */
export function textOf(root: string, file: string): string | undefined {
  try {
    return readFileSync(resolve(root, file), 'utf8')
  } catch {
    return undefined
  }
}
