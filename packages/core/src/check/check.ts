/**
 * The check: takes a project as read and the available connectors, and returns all findings, in one pass, without I/O
 * and without ever throwing. The plan is made from what it found out.
 */
import { deadLetterSchema } from '../connector/dead-letter.ts'
import type { Registry } from '../registry/index.ts'
import { type RecordType, type Type, typeText } from '../schema/index.ts'
import { readConnections } from '../spec/connections.ts'
import { createReport, type Finding } from '../spec/finding.ts'
import type { Project } from '../spec/project.ts'
import { readSpec } from '../spec/spec.ts'
import type { Checked, CheckedSink, CheckedSource } from './checked.ts'
import { type Checking, createChecking, guarded } from './context.ts'
import { checkDelivery } from './delivery.ts'
import { checkSink, checkSource, reportProblems } from './endpoints.ts'
import { checkTimes } from './event-time.ts'
import { checkFlow } from './flow.ts'
import { checkIdentity } from './identity.ts'
import { lineagesOf } from './lineage.ts'
import { checkFields } from './infer.ts'
import { checkAnswers, checkErrorPolicies, checkParallelism, checkRuns } from './rules.ts'
import { checkRepeats, checkSchedule } from './schedule.ts'
import { checkSteps } from './steps.ts'

/** `checked` is only present if no finding is an error. */
export function checkProject(
  project: Project,
  registry: Registry,
): { readonly findings: readonly Finding[]; readonly checked?: Checked } {
  const report = createReport(project.file, project.findings)
  if (!project.spec) return { findings: report.findings() }
  const spec = readSpec(project.spec, report)
  const ctx = createChecking(project, spec, registry, report)
  const connections = readConnections(project, spec.connections, report)
  const declared = spec.sources.map((source) => checkSource(source, connections, ctx))
  const sinks = spec.sinks.map((sink) => checkSink(sink, connections, ctx))
  const deadLetter = spec.deadLetter && checkSink(spec.deadLetter, connections, ctx)
  const { steps, sources: inline, sideSources } = checkSteps(spec.steps, declared, ctx)
  const sources = [...declared, ...inline]
  const flow = checkFlow(sources, sideSources, steps, sinks, ctx)
  for (const sink of deadLetter ? [...sinks, deadLetter] : sinks) {
    const input = sink === deadLetter ? deadLetterSchema : flow.sinks.get(sink.id)?.input
    if (!input || !sink.definition || sink.options === undefined) continue
    const { definition, options } = sink
    checkFields(sink.configNode, definition.options, input, `${sink.spec.path}.config`, ctx)
    if (definition.mapping) checkHeld(definition.mapping, sink, input, ctx)
    const problems =
      definition.accepts &&
      guarded(ctx, sink.spec.place, sink.spec.path, `sink \`${sink.type}\``, () => definition.accepts!(options, input))
    reportProblems(problems, sink.configNode, `${sink.spec.path}.config`, sink.spec.place, ctx)
  }
  const streams = declared.filter((source) => !sideSources.has(source.id))
  checkErrorPolicies(declared, steps, ctx)
  checkAnswers(streams, sinks, flow, ctx)
  const runs = checkRuns(streams, steps, ctx)
  const lineages = lineagesOf(streams, flow, sinks)
  checkIdentity(sinks, flow, lineages, ctx)
  checkTimes(streams, sinks, flow, lineages, ctx)
  if (runs === 'whole') checkRepeats(deadLetter ? [...sinks, deadLetter] : sinks, ctx)
  checkSchedule(ctx, (other) => {
    const { checked } = checkProject(other, registry)
    return checked !== undefined && !checked.spec.schedule && checked.streams.some(isUnbounded)
  })
  checkParallelism(streams, flow.steps, lineages, ctx)
  const delivery = checkDelivery(streams, sinks, flow, lineages, ctx)
  const findings = report.findings()
  if (report.errors() > 0) return { findings }
  return {
    findings,
    checked: {
      spec,
      sources,
      sideSources,
      flow,
      lineages,
      streams,
      env: ctx.env,
      sinks,
      deadLetter,
      delivery,
      runs,
    },
  }
}

const isUnbounded = ({ capabilities }: CheckedSource): boolean => capabilities?.bounded === false

/** Every field has a type that the sink can store. */
function checkHeld(
  mapping: (type: Type) => string | undefined,
  { id, type, spec }: CheckedSink,
  input: RecordType,
  ctx: Checking,
): void {
  for (const [name, field] of Object.entries(input.fields)) {
    if (guarded(ctx, spec.place, spec.path, `sink \`${type}\``, () => mapping(field.type) ?? 'none') !== 'none')
      continue
    const message = `\`${id}\` cannot store the field \`${name}\``
    ctx.report('type_not_held', spec.place, `${spec.path}.${name}`, message, {
      got: typeText(field.type),
      hint: `drop \`${name}\` with \`drop\`, or change its type with \`cast\``,
    })
  }
}
