/** Which files of a project are specs. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** A test of a spec, which lies beside it. */
export const isTestFile = (path: string): boolean => /\.test\.ya?ml$/.test(path)

/**
 * The specs of a project, absolute: those in `pipelines/`; without such a folder, those next to millrace.yaml. Tests of
 * specs are not among them.
 */
export function pipelineFiles(root: string): string[] {
  const inFolder = yamlFiles(join(root, 'pipelines'), true)
  if (inFolder.length > 0) return inFolder.toSorted()
  if (!existsSync(join(root, 'millrace.yaml'))) return []
  return yamlFiles(root, false)
    .filter((path) => !/[\\/]millrace\.ya?ml$/.test(path))
    .toSorted()
}

/** The YAML files of a folder. Not by a glob: that is ten times slower than the rest of a search. */
export function yamlFiles(
  folder: string,
  recursive: boolean,
  isWanted = (name: string): boolean => !isTestFile(name),
): string[] {
  if (!existsSync(folder)) return []
  const names = readdirSync(folder, { recursive, encoding: 'utf8' })
  return names.filter((name) => /\.ya?ml$/.test(name) && isWanted(name)).map((name) => join(folder, name))
}
