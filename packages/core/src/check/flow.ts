/**
 * Who reads what, and which fields flow there. A step is typed as soon as everything it reads is known. The names of
 * its outputs may depend on its inference, so this repeats until nothing changes. A step that remains then reads a name
 * that nothing produces, or reads itself in a cycle. Downstream of an error, types are unknown and nothing more is
 * reported: one mistake, one finding.
 */
import { closest } from '../errors/closest.ts'
import { fieldText, fieldOf, type RecordType, sameRecord } from '../schema/index.ts'
import { suggest } from '../spec/suggest.ts'
import type { Reference } from '../spec/spec.ts'
import type { Place } from '../spec/tree.ts'
import type { CheckedSink, CheckedSource, CheckedStep, Flow, Placed } from './checked.ts'
import type { Checking } from './context.ts'
import { inferStep } from './infer.ts'
import { placeOfText } from './steps.ts'

/** The type of an output; `unknown` downstream of an error. */
type KnownOutput = RecordType | 'unknown'

export function checkFlow(
  sources: readonly CheckedSource[],
  sideSources: ReadonlySet<string>,
  steps: readonly CheckedStep[],
  sinks: readonly CheckedSink[],
  ctx: Checking,
): Flow {
  const { report } = ctx
  const outputs = new Map<string, KnownOutput>()
  const owners = new Map<string, string>()
  const places = new Map<string, { place: Place; path: string }>()
  const onlyNamed = new Set<string>()
  const failed: CheckedStep[] = []
  const streams = sources.filter((source) => source.spec && !sideSources.has(source.id))
  for (const source of streams) {
    outputs.set(source.id, source.schema ?? 'unknown')
    places.set(source.id, { place: source.spec!.place, path: source.spec!.path })
  }
  checkIds(sources, steps, sinks, ctx)

  /** Outputs that a wrong or missing `from` probably meant: they are not also reported as unread. */
  const meant = new Set<string>()
  const froms = new Map<CheckedStep, readonly Reference[]>()
  const isUnclear =
    streams.length > 1 &&
    (steps[0] ? !steps[0].spec.from : sinks.some((sink) => !('from' in sink.spec && sink.spec.from)))
  if (isUnclear) for (const source of streams) meant.add(source.id)
  for (const [i, step] of steps.entries())
    froms.set(step, step.spec.from ?? defaultFrom(steps[i - 1], step.spec, streams, ctx))

  const placed: Placed[] = []
  const readers = new Map<string, string[]>()
  const read = (reader: string, refs: readonly Reference[]): readonly string[] => {
    const names = [...new Set(refs.map((ref) => ref.name))]
    if (names.length < refs.length)
      report('bad_value', refs.at(-1)!.place, refs.at(-1)!.path, 'an id is given twice', {
        expected: 'use each id once',
      })
    for (const name of names) readers.set(name, [...(readers.get(name) ?? []), reader])
    return names
  }

  const place = (step: CheckedStep) => {
    const refs = froms.get(step)!
    const from = read(step.id, refs)
    const input = merged(refs, outputs, ctx)
    const inference = input === 'unknown' ? undefined : inferStep(step, input, sources, ctx)
    placed.push({ step, from, input: input === 'unknown' ? undefined : input, inference })
    places.set(step.id, { place: step.spec.place, path: step.spec.path })
    if (!inference) failed.push(step)
    if (!inference) outputs.set(step.id, step.definition?.keeps ? input : 'unknown')
    else if (inference.output) outputs.set(step.id, inference.output)
    else onlyNamed.add(step.id)
    for (const [name, type] of Object.entries(inference?.sideOutputs ?? {})) {
      const at = placeOfText(step.spec.config, name) ?? step.spec.verb.keyPlace
      if (outputs.has(name) || steps.some((each) => each.id === name) || sources.some((each) => each.id === name)) {
        report('duplicate_id', at, step.spec.configPath, `the id \`${name}\` is already taken`)
        continue
      }
      outputs.set(name, type)
      owners.set(name, step.id)
      places.set(name, { place: at, path: step.spec.configPath })
    }
  }

  /** A name that nothing produces. Reported once, unless a step with errors may produce it. */
  const judge = (ref: Reference) => {
    if (outputs.has(ref.name)) return
    if (onlyNamed.has(ref.name)) {
      const names = [...owners].filter(([, owner]) => owner === ref.name).map(([name]) => name)
      report('no_plain_output', ref.place, ref.path, `\`${ref.name}\` has only named outputs`, {
        hint: `name one of them: ${names.join(', ')}`,
      })
    } else if (sideSources.has(ref.name))
      report('side_source_read', ref.place, ref.path, `\`${ref.name}\` is a side input, which steps read completely`)
    else if (!failed.some((step) => placeOfText(step.spec.config, ref.name))) {
      const known = [...outputs.keys()].filter((name) => places.has(name))
      const near = closest(ref.name, known)
      if (near !== undefined) meant.add(near)
      const what = sinks.some((sink) => sink.id === ref.name)
        ? `\`${ref.name}\` is a sink, which has no output`
        : `nothing has the id \`${ref.name}\``
      report('unknown_reference', ref.place, ref.path, what, { hint: suggest(ref.name, known) })
    }
    outputs.set(ref.name, 'unknown')
  }

  const waiting = [...steps]
  while (waiting.length > 0) {
    // The first resolvable step in the order of the spec, so that the plan lists steps as their author did.
    const ready = waiting.findIndex((step) => froms.get(step)!.every((ref) => outputs.has(ref.name)))
    if (ready >= 0) {
      place(waiting.splice(ready, 1)[0]!)
      continue
    }
    const ids = new Set(waiting.map((step) => step.id))
    const missing = waiting.flatMap((step) =>
      froms.get(step)!.filter((ref) => !outputs.has(ref.name) && !ids.has(ref.name)),
    )
    if (missing.length > 0) missing.forEach(judge)
    else reportCycle(waiting, froms, outputs, ctx)
  }

  const sinkInputs = new Map<string, { from: readonly string[]; input?: RecordType }>()
  for (const sink of sinks) {
    const refs = ('from' in sink.spec ? sink.spec.from : undefined) ?? sinkDefault(sink, steps, streams, owners, ctx)
    refs.forEach(judge)
    const input = merged(refs, outputs, ctx)
    sinkInputs.set(sink.id, { from: read(sink.id, refs), input: input === 'unknown' ? undefined : input })
  }

  // Without any sink every output is unread; that is reported once.
  for (const [name, at] of sinks.length > 0 ? places : []) {
    const isFailed = failed.some((step) => step.id === name)
    if (!readers.has(name) && outputs.has(name) && !isFailed && !meant.has(name)) {
      const owner = owners.get(name)
      report(
        'unread_output',
        at.place,
        at.path,
        owner ? `nothing reads the output \`${name}\` of \`${owner}\`` : `nothing reads \`${name}\``,
        { hint: `give a sink or step \`from: ${name}\` (a sink of \`type: null\` drops on purpose)` },
      )
    }
  }
  return { steps: placed, sinks: sinkInputs, readers, owners }
}

/** The previous step; for the first step the only source. */
function defaultFrom(
  before: CheckedStep | undefined,
  spec: CheckedStep['spec'],
  streams: readonly CheckedSource[],
  ctx: Checking,
): readonly Reference[] {
  if (before) return [{ name: before.id, place: spec.verb.keyPlace, path: spec.path }]
  if (streams.length === 1) return [{ name: streams[0]!.id, place: spec.verb.keyPlace, path: spec.path }]
  if (streams.length > 1)
    ctx.report(
      'from_needed',
      spec.verb.keyPlace,
      spec.path,
      'there are several sources: say which one this step reads',
      {
        hint: `from: ${streams[0]!.id}`,
      },
    )
  return []
}

/** A sink with the name of an output reads that; any other reads the last step, or the only source. */
function sinkDefault(
  sink: CheckedSink,
  steps: readonly CheckedStep[],
  streams: readonly CheckedSource[],
  owners: ReadonlyMap<string, string>,
  ctx: Checking,
): readonly Reference[] {
  const at = { place: sink.spec.place, path: sink.spec.path }
  if (owners.has(sink.id)) return [{ name: sink.id, ...at }]
  const last = steps.at(-1)
  if (last) return [{ name: last.id, ...at }]
  if (streams.length === 1) return [{ name: streams[0]!.id, ...at }]
  if (streams.length > 1)
    ctx.report('from_needed', at.place, at.path, 'there are several sources: say which one this sink reads', {
      hint: `from: ${streams[0]!.id}`,
    })
  return []
}

/** The type of merged streams; they must agree. */
function merged(refs: readonly Reference[], outputs: ReadonlyMap<string, KnownOutput>, ctx: Checking): KnownOutput {
  let type: RecordType | undefined
  let first = ''
  let isUnknown = refs.length === 0
  for (const ref of refs) {
    const of = outputs.get(ref.name)
    if (!of || of === 'unknown') isUnknown = true
    else if (!type) {
      type = of
      first = ref.name
    } else if (!sameRecord(type, of)) {
      const { expected, got } = difference(type, of)
      ctx.report('merge_types_differ', ref.place, ref.path, `\`${ref.name}\` has different fields from \`${first}\``, {
        expected,
        got,
      })
      isUnknown = true
    }
  }
  return isUnknown || !type ? 'unknown' : type
}

/** The first field in which two types differ. */
function difference(a: RecordType, b: RecordType): { expected: string; got: string } {
  const shown = (record: RecordType, name: string) => {
    const field = fieldOf(record, name)
    return field ? `${name}: ${fieldText(field)}` : `no field ${name}`
  }
  const name = [...Object.keys(a.fields), ...Object.keys(b.fields)].find((each) => shown(a, each) !== shown(b, each))
  return name === undefined
    ? {
        expected: a.open ? 'additional fields' : 'no additional fields',
        got: b.open ? 'additional fields' : 'no additional fields',
      }
    : { expected: shown(a, name), got: shown(b, name) }
}

function reportCycle(
  waiting: readonly CheckedStep[],
  froms: ReadonlyMap<CheckedStep, readonly Reference[]>,
  outputs: Map<string, KnownOutput>,
  ctx: Checking,
): void {
  const byId = new Map(waiting.map((step) => [step.id, step]))
  const walked: CheckedStep[] = []
  let at = waiting[0]!
  while (!walked.includes(at)) {
    walked.push(at)
    const next = froms.get(at)!.find((ref) => !outputs.has(ref.name))
    at = byId.get(next!.name)!
  }
  const circle = walked.slice(walked.indexOf(at))
  const firstInSpec = waiting.find((step) => circle.includes(step))!
  const ref = froms.get(firstInSpec)!.find((each) => circle.some((step) => step.id === each.name))!
  const names = [
    ...circle.slice(circle.indexOf(firstInSpec)),
    ...circle.slice(0, circle.indexOf(firstInSpec)),
    firstInSpec,
  ].map((step) => step.id)
  ctx.report('cycle', ref.place, ref.path, `these steps read each other: ${names.reverse().join(' -> ')}`)
  for (const step of circle) outputs.set(step.id, 'unknown')
}

/** Sources, steps and sinks share one set of ids; named outputs are checked once they are known. */
function checkIds(
  sources: readonly CheckedSource[],
  steps: readonly CheckedStep[],
  sinks: readonly CheckedSink[],
  ctx: Checking,
): void {
  const seen = new Map<string, string>()
  const add = (id: string, what: string, at: Place, path: string) => {
    const other = seen.get(id)
    if (other === undefined) seen.set(id, what)
    else ctx.report('duplicate_id', at, path, `the id \`${id}\` is already used by a ${other}`)
  }
  for (const source of sources) if (source.spec) add(source.id, 'source', source.spec.place, source.spec.path)
  for (const step of steps) add(step.id, 'step', step.spec.place, step.spec.path)
  for (const sink of sinks) add(sink.id, 'sink', sink.spec.place, sink.spec.path)
}
