/** The definitions that a project refers to, so that they can be loaded before the check. */
import type { Definition } from '../connector/index.ts'
import type { Wanted } from '../registry/index.ts'
import { resolveConfig } from '../spec/secrets.ts'
import { bind, readConnections } from '../spec/connections.ts'
import { createReport } from '../spec/finding.ts'
import { resolveOptions } from '../spec/options.ts'
import type { Project } from '../spec/project.ts'
import { readSpec, type SpecEndpoint, type SpecStep } from '../spec/spec.ts'
import { schemaFileOf } from './context.ts'

/** What `loadRegistry` must load for this project. */
export function wantedBy(project: Project): readonly Wanted[] {
  if (!project.spec) return []
  const followed = [...(project.others?.values() ?? [])].flatMap((other) => wantedBy(other.project))
  const quiet = createReport(project.file)
  const spec = readSpec(project.spec, quiet)
  const connections = readConnections(project, spec.connections, quiet)
  const typeOf = ({ type, connection, path }: SpecEndpoint): string | undefined => {
    if (type) return type.value.kind === 'scalar' ? type.value.text : undefined
    return connection && bind(project, connections, connection, path, quiet)?.type
  }
  const wanted: Wanted[] = [...followed]
  const add = (kind: 'source' | 'sink', part: SpecEndpoint) => {
    const type = typeOf(part)
    if (type) wanted.push({ kind, type })
  }
  for (const source of spec.sources) add('source', source)
  for (const sink of spec.sinks) add('sink', sink)
  if (spec.deadLetter) add('sink', spec.deadLetter)
  for (const step of spec.steps)
    wanted.push({ kind: 'transform', type: step.verb.key, needs: (definition) => sidesOf(definition, step, project) })
  return wanted
}

/** Sources that a step declares as side inputs; none if its options have errors, which the check reports. */
function sidesOf(definition: Definition, step: SpecStep, project: Project): readonly Wanted[] {
  if (definition.kind !== 'transform' || !definition.sideInputs) return []
  const quiet = createReport(project.file)
  const config = resolveOptions(step.config, definition.options, step.configPath, {
    report: quiet,
    schemaFile: schemaFileOf(project),
  })
  if (config === undefined || quiet.errors() > 0) return []
  try {
    const sideInputs = Object.values(definition.sideInputs(resolveConfig(config, () => 'secret') as never))
    return sideInputs.flatMap((side) => ('source' in side ? [] : [{ kind: 'source', type: side.type }]))
  } catch {
    return []
  }
}
