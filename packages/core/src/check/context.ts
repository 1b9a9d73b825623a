/** Shared by all parts of the check. Nothing here does I/O. */
import { isAbsolute, join } from 'node:path'
import type { Env } from '../connector/index.ts'
import type { Json } from '../record/index.ts'
import type { Registry } from '../registry/index.ts'
import { isBroken, parseRecordType } from '../schema/read.ts'
import { resolveConfig } from '../spec/secrets.ts'
import type { Report } from '../spec/finding.ts'
import type { Resolving } from '../spec/options.ts'
import type { Project } from '../spec/project.ts'
import type { Spec } from '../spec/spec.ts'
import { plainValue, type Place } from '../spec/tree.ts'

export interface Checking {
  readonly project: Project
  readonly spec: Spec
  readonly registry: Registry
  readonly report: Report
  readonly resolving: Resolving
  env(id: string): Env
}

export function createChecking(project: Project, spec: Spec, registry: Registry, report: Report): Checking {
  const { root, profile } = project
  const home = join(root, '.millrace', profile)
  return {
    project,
    spec,
    registry,
    report,
    resolving: { report, schemaFile: schemaFileOf(project) },
    env: (id) => ({
      root,
      home,
      profile,
      pipeline: spec.name,
      id,
      resolve: (path) => (isAbsolute(path) ? path : join(root, path)),
    }),
  }
}

/** Looks up the schema files that were read with the project. */
export function schemaFileOf(project: Project): Resolving['schemaFile'] {
  return (node, path, report) => {
    const read = project.schemas.get(node.text)
    if (!read || read.missing) {
      report('file_missing', node.place, path, `there is no schema file \`${node.text}\` in the project folder`)
      return undefined
    }
    if (!read.tree) return undefined
    const { type, problems } = parseRecordType(plainValue(read.tree))
    for (const problem of problems) report.problem(problem, read.tree, '')
    return isBroken(problems) ? undefined : type
  }
}

/** A planned config as the functions of a definition get it during the check: every secret is the word `secret`. */
export const optionsOf = (config: Json): unknown => resolveConfig(config, () => 'secret')

/**
 * Calls a function of a definition, which may be third-party code. If it throws, that becomes a finding and the result
 * is undefined.
 */
export function guarded<T>(ctx: Checking, at: Place, path: string, what: string, call: () => T): T | undefined {
  try {
    return call()
  } catch (error) {
    ctx.report(
      'definition_failed',
      at,
      path,
      `the check of ${what} failed: ${error instanceof Error ? error.message : String(error)}`,
    )
    return undefined
  }
}
