/**
 * Makes the plan of a checked spec. It decides what is pushed down into a source (as many steps directly after it as
 * offer it, each the only reader of the one before) and computes the hashes: `specHash` covers everything that
 * determines the output, a step's `stateHash` everything that its memory depends on.
 */
import { multiplies } from '../check/lineage.ts'
import { type CheckedSink, type CheckedSource, type Checked, type Placed } from '../check/checked.ts'
import { checkProject } from '../check/index.ts'
import type { Push, SourceTime } from '../connector/index.ts'
import { deadLetterSchema } from '../connector/dead-letter.ts'
import type { OnError, Plan, PlanSchedule, PlanSink, PlanSource, PlanStep } from './plan.ts'
import type { Registry } from '../registry/index.ts'
import type { RecordType } from '../schema/index.ts'
import type { Finding } from '../spec/finding.ts'
import type { Project } from '../spec/project.ts'
import type { SpecSchedule } from '../spec/spec.ts'
import { partitionedBy } from '../check/partition.ts'
import { hashOf, signatureOf } from './signature.ts'

/** How a plan is made. */
export interface Planning {
  /** False: no pushdown, so that every step shows its own effect. */
  readonly push?: boolean
}

/** All findings for a project's spec, and its plan if none is an error. Does no I/O and never throws. */
export function check(
  project: Project,
  registry: Registry,
  how: Planning = {},
): { readonly findings: readonly Finding[]; readonly plan?: Plan } {
  const { findings, checked } = checkProject(project, registry)
  return checked ? { findings, plan: makePlan(checked, project, registry, how) } : { findings }
}

function makePlan(checked: Checked, project: Project, registry: Registry, how: Planning): Plan {
  const { spec, flow } = checked
  const onError = (spec.onError?.data ?? 'stop') as OnError
  const pushes = new Map(
    checked.sources.map((source) => [source.id, pushInto(source, how.push === false ? undefined : checked)]),
  )
  const pushedInto = new Map([...pushes].flatMap(([id, push]) => push.steps.map((step) => [step, id] as const)))
  const plan: Omit<Plan, 'specHash'> = {
    version: 1,
    name: spec.name,
    description: spec.description,
    project: project.name,
    profile: project.profile,
    runs: checked.runs,
    delivery: checked.delivery,
    parallelism: spec.parallelism.workers,
    ...(spec.schedule ? { schedule: planSchedule(spec.schedule.value) } : {}),
    sources: checked.sources.map((source) => planSource(source, checked, pushes.get(source.id)!, onError, registry)),
    steps: flow.steps.map((placed) => planStep(placed, checked, pushedInto.get(placed.step.id), onError, registry)),
    sinks: checked.sinks.map((sink) => {
      const named = checked.lineages.named.get(sink.id) ?? []
      return planSink(sink, { ...flow.sinks.get(sink.id)!, namedFrom: named }, registry)
    }),
    deadLetter: checked.deadLetter && planDeadLetter(checked.deadLetter, registry),
    onError,
  }
  return { ...plan, specHash: hashOf(signatureOf(plan, registry)) }
}

const planSchedule = (schedule: SpecSchedule): PlanSchedule => ({
  start: schedule.after ? { after: schedule.after } : { cron: schedule.cron!, timezone: schedule.timezone },
  retries: schedule.retries,
  backoffMs: schedule.backoff,
  overlap: schedule.overlap,
  catchUp: schedule.catch_up,
})

interface Pushed {
  readonly steps: readonly string[]
  readonly push?: Push
  readonly output: RecordType
}

/** The steps whose work the source can do while it decodes, and the condition of the next one. */
function pushInto(source: CheckedSource, checked: Checked | undefined): Pushed {
  const schema = source.schema!
  const none: Pushed = { steps: [], output: schema }
  if (!checked) return none
  const { flow, sideSources } = checked
  const { capabilities } = source
  // A pushdown lists its columns, so it would lose fields that are not in the schema.
  if (!capabilities?.pushdown || schema.open || sideSources.has(source.id)) return none
  /** The step that alone reads from a node. */
  const onlyReader = (from: string) => {
    const readers = flow.readers.get(from) ?? []
    const next = flow.steps.find(({ step }) => step.id === readers[0])
    return readers.length === 1 && next?.from.length === 1 && from !== source.spec?.answer?.name ? next : undefined
  }
  /** The field of its event time has to reach the engine as it was read. */
  const time = source.eventTime?.field
  const holds = (of: Push['columns'], name: string) => of.some((column) => column.from === name && !column.date)
  const steps: string[] = []
  let isNarrowed = false
  let output = schema
  let columns: Push['columns'] = Object.keys(schema.fields).map((name) => ({ name, from: name }))
  let next = onlyReader(source.id)
  for (; next?.inference?.output; next = onlyReader(next.step.id)) {
    const pushed = next.inference.push?.(columns, next.step.id)
    if (!pushed || (time !== undefined && !holds(pushed, time))) break
    columns = pushed
    output = next.inference.output
    steps.push(next.step.id)
  }
  const reads = next?.inference?.reads
  if (reads) {
    const isNeeded = ({ name, from, date }: Push['columns'][number]) =>
      date !== undefined || from === time || reads.includes(name)
    const needed = columns.filter(isNeeded)
    if (needed.length > 0 && needed.length < columns.length) {
      columns = needed
      isNarrowed = true
      output = { fields: Object.fromEntries(columns.map(({ name }) => [name, output.fields[name]!])) }
    }
  }
  const condition = next?.inference?.keeps
  // A record that is skipped cannot fail in a step before, nor tell its event time.
  const isSkippable = capabilities.skips && time === undefined && columns.every(({ date }) => date === undefined)
  const where = condition !== undefined && isSkippable ? { where: { step: next!.step.id, condition } } : {}
  return steps.length > 0 || isNarrowed || 'where' in where ? { steps, push: { columns, ...where }, output } : none
}

function planSource(
  source: CheckedSource,
  checked: Checked,
  pushed: Pushed,
  onError: OnError,
  registry: Registry,
): PlanSource {
  const { spec } = source
  const capabilities = source.capabilities!
  const answerFrom = spec?.answer?.name
  return {
    id: source.id,
    type: source.type,
    package: registry.packageOf('source', source.type),
    config: source.config!,
    ...bound(source),
    schema: source.schema!,
    unknownFields: source.unknownFields,
    output: pushed.output,
    ...(pushed.push ? { push: pushed.push } : {}),
    pushed: pushed.steps,
    capabilities,
    ...(checked.sideSources.has(source.id) ? { side: true } : {}),
    onError: spec?.onError ?? (capabilities.refuses ? 'refuse' : onError),
    ...(source.eventTime ? { eventTime: source.eventTime } : {}),
    ...(capabilities.answers && spec ? { answer: { from: answerFrom, partial: spec.partial } } : {}),
  }
}

function planStep(
  placed: Placed,
  checked: Checked,
  pushedInto: string | undefined,
  onError: OnError,
  registry: Registry,
): PlanStep {
  const { step, from, input, inference } = placed
  const { definition, config, options, sideInputs } = step
  const sideTypes = Object.fromEntries(
    Object.entries(sideInputs).map(([name, id]) => [name, checked.sources.find((source) => source.id === id)!.schema]),
  )
  const env = { ...checked.env(step.id), input: input!, sideInputs: sideTypes as Readonly<Record<string, RecordType>> }
  const apart = partitionedBy(placed, checked.streams, checked.lineages)
  const times = timesOf(from, checked)
  const { ordered } = definition!
  return {
    id: step.id,
    type: step.spec.verb.key,
    package: registry.packageOf('transform', step.spec.verb.key),
    config: config!,
    description: step.spec.description,
    from,
    input: input!,
    output: inference!.output,
    sideOutputs: inference!.sideOutputs ?? {},
    sideInputs,
    onError: (step.spec.onError as OnError | undefined) ?? onError,
    stateful: definition!.stateful ?? false,
    multiplies: multiplies(step),
    counts: definition!.counts ?? false,
    ordered:
      typeof ordered === 'function'
        ? ordered(options as never, withEnds(times, checked))
        : !apart && (ordered ?? false),
    ...(definition!.needsTime?.(options as never) ? { times } : {}),
    namedFrom: checked.lineages.named.get(step.id) ?? [],
    stateHash: hashOf({
      type: step.spec.verb.key,
      memory: definition!.memory ? definition!.memory(options as never, env) : { config, input, sideInputs: sideTypes },
      apart,
    }),
    partitionedBy: apart,
    pushedInto,
  }
}

/** Event time of the sources that reach a node with these inputs. */
function timesOf(from: readonly string[], { lineages, streams }: Checked): Readonly<Record<string, SourceTime>> {
  const roots = new Set(from.flatMap((name) => lineages.of(name).map(({ root }) => root)))
  return Object.fromEntries(
    streams.flatMap(({ id, eventTime }) => (eventTime && roots.has(id) ? [[id, eventTime] as const] : [])),
  )
}

/** The same, where lanes that a step reads end one by one while the run goes on. */
function withEnds(
  times: Readonly<Record<string, SourceTime>>,
  { streams, runs }: Checked,
): Readonly<Record<string, SourceTime>> {
  const read = streams.filter(({ id }) => times[id])
  const hasLanes = read.length > 1 || read.some(({ capabilities }) => capabilities?.lanes === 'split')
  if (runs === 'whole' || !hasLanes) return times
  const ending = read.filter(({ capabilities }) => capabilities?.bounded)
  return { ...times, ...Object.fromEntries(ending.map(({ id }) => [id, { ...times[id]!, ends: true as const }])) }
}

function planSink(
  sink: CheckedSink,
  flow: { readonly from: readonly string[]; readonly input?: RecordType; readonly namedFrom: readonly string[] },
  registry: Registry,
): PlanSink {
  return {
    id: sink.id,
    type: sink.type,
    package: registry.packageOf('sink', sink.type),
    config: sink.config!,
    ...bound(sink),
    from: flow.from,
    namedFrom: flow.namedFrom,
    input: flow.input!,
    capabilities: sink.capabilities!,
  }
}

/** The connection, and the retry rule if the spec sets one. */
const bound = ({ connection, retry, spec }: CheckedSource | CheckedSink) => ({
  connection,
  description: spec?.description === undefined ? undefined : spec.description,
  retry,
})

function planDeadLetter(sink: CheckedSink, registry: Registry): PlanSink & { readonly stopAbove?: number } {
  const stopAbove = 'stopAbove' in sink.spec ? sink.spec.stopAbove : undefined
  return {
    ...planSink(sink, { from: [], input: deadLetterSchema, namedFrom: [] }, registry),
    ...(stopAbove === undefined ? {} : { stopAbove }),
  }
}
