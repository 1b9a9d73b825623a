/** The project folder of a case. */
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { check, type Plan, readProject } from '@millrace/core'
import type { Case } from '../case.ts'
import { registry } from '../run/registry.ts'
import { specOf } from './spec.ts'

const functions = fileURLToPath(new URL('./steps.ts', import.meta.url))

/** Creates the folder with the spec and the functions that it calls, and empties it first. */
export function makeRoot(root: string, graph: Case): void {
  rmSync(root, { recursive: true, force: true })
  mkdirSync(root, { recursive: true })
  writeFileSync(join(root, 'millrace.yaml'), 'version: 1\n')
  writeFileSync(join(root, 'job.yaml'), specOf(graph))
  // A link, so that the module is loaded once for all cases.
  symlinkSync(functions, join(root, 'steps.ts'))
}

/** Checks the spec; returns the plan, or the findings that refuse it. */
export async function planOf(root: string, graph: Case): Promise<{ plan?: Plan; refused: readonly string[] }> {
  makeRoot(root, graph)
  const project = await readProject({ spec: join(root, 'job.yaml'), root })
  const { plan, findings } = check(project, registry)
  const refused = findings
    .filter(({ severity }) => severity === 'error')
    .map(({ code, message }) => `${code}: ${message}`)
  return plan ? { plan, refused: [] } : { refused }
}
