/**
 * Event time: that a source can tell it, that every source of a step which uses it does, and that what follows a step
 * which emits results again can take them.
 */
import type { EventTime } from '../connector/index.ts'
import { checkDateFormat, checkZone } from '../date/index.ts'
import { fieldOf, type RecordType, typeText } from '../schema/index.ts'
import type { SpecSource } from '../spec/spec.ts'
import { suggest } from '../spec/suggest.ts'
import { entryOf, type Place } from '../spec/tree.ts'
import type { CheckedSink, CheckedSource, Flow, Lineages, Placed } from './checked.ts'
import type { Checking } from './context.ts'

/** What `event_time:` means; undefined if there is none, or it has errors. */
export function checkEventTime(spec: SpecSource, schema: RecordType | undefined, ctx: Checking): EventTime | undefined {
  const { eventTime } = spec
  if (!eventTime) return undefined
  const { value, entry } = eventTime
  if (value === 'arrival') return { zone: 'UTC', maxOutOfOrderMs: 0, arrival: true }
  // What could not be read has its own finding.
  if (typeof value.field !== 'string' || value.formats?.length === 0) return undefined
  const path = `${spec.path}.event_time`
  const errors = ctx.report.errors()
  const at = (key: string): Place => entryOf(entry.value, key)?.value.place ?? entry.keyPlace
  const formats = entryOf(entry.value, 'formats')?.value
  for (const [i, format] of (value.formats ?? []).entries()) {
    const wrong = checkDateFormat(format, 'parse')
    const place = formats?.kind === 'list' ? formats.items[i]!.place : at('formats')
    if (wrong) ctx.report('bad_date_format', place, `${path}.formats[${i}]`, wrong)
  }
  const wrongZone = checkZone(value.zone)
  if (wrongZone !== undefined) ctx.report('unknown_zone', at('zone'), `${path}.zone`, wrongZone)
  const has = (key: string) => entryOf(entry.value, key) !== undefined
  if (schema && ctx.report.errors() === errors) checkField(value, schema, at, has, path, ctx)
  if (ctx.report.errors() > errors) return undefined
  return {
    field: value.field,
    ...(value.formats ? { formats: value.formats } : {}),
    zone: value.zone,
    ...(value.fold === 'error' ? {} : { fold: value.fold }),
    maxOutOfOrderMs: value.max_out_of_order === 'unbounded' ? null : value.max_out_of_order,
    ...(value.idle_after === undefined ? {} : { idleAfterMs: value.idle_after }),
    ...(value.max_future === undefined ? {} : { maxFutureMs: value.max_future }),
    ...(value.max_skew === undefined ? {} : { maxSkewMs: value.max_skew }),
  }
}

function checkField(
  { field, formats }: { readonly field: string; readonly formats?: readonly string[] },
  schema: RecordType,
  at: (key: string) => Place,
  has: (key: string) => boolean,
  path: string,
  ctx: Checking,
): void {
  const found = fieldOf(schema, field)
  if (!found) {
    ctx.report('unknown_field', at('field'), `${path}.field`, `there is no field \`${field}\` in the schema`, {
      hint: suggest(field, Object.keys(schema.fields)),
    })
    return
  }
  const { kind } = found.type
  if (kind === 'timestamp' || kind === 'fine_timestamp' || kind === 'date') {
    for (const key of kind === 'date' ? ['formats', 'fold'] : ['formats', 'zone', 'fold'])
      if (has(key))
        ctx.report('wrong_type', at(key), `${path}.${key}`, `\`${field}\` is a ${typeText(found.type)}, not text`, {
          hint: `remove \`${key}\``,
        })
  } else if (kind !== 'string' && kind !== 'integer')
    ctx.report('wrong_type', at('field'), `${path}.field`, `\`${field}\` holds no time`, {
      expected: 'a timestamp, a date, or text with `formats`',
      got: typeText(found.type),
    })
  else if (!formats)
    ctx.report(
      'missing_key',
      at('field'),
      `${path}.field`,
      `\`${field}\` is ${kind === 'string' ? 'text' : 'a number'}`,
      {
        expected: '`formats`',
        hint: kind === 'string' ? "formats: ['yyyy-MM-dd HH:mm:ss']" : 'formats: [epoch_ms]',
      },
    )
}

/** Rules about steps that use event time, and about what follows them. */
export function checkTimes(
  streams: readonly CheckedSource[],
  sinks: readonly CheckedSink[],
  flow: Flow,
  lineages: Lineages,
  ctx: Checking,
): void {
  for (const placed of flow.steps) {
    const { definition, options } = placed.step
    if (options === undefined) continue
    const needed = definition?.needsTime?.(options as never)
    if (needed) checkSourcesOf(placed, needed, streams, lineages, ctx)
    const key = definition?.updates?.(options as never)
    if (key) checkBehindUpdates(placed, key, sinks, flow, ctx)
  }
}

function checkSourcesOf(
  { step, from }: Placed,
  needed: 'any' | 'arrival',
  streams: readonly CheckedSource[],
  lineages: Lineages,
  ctx: Checking,
): void {
  const { spec } = step
  const place = entryOf(spec.config, 'window')?.keyPlace ?? spec.verb.keyPlace
  const path = `${spec.path}.window`
  for (const root of new Set(from.flatMap((name) => lineages.of(name).map((lineage) => lineage.root)))) {
    const source = streams.find(({ id }) => id === root)
    if (!source) {
      ctx.report('window_over_results', place, path, `\`${step.id}\` would put the results of \`${root}\` into windows`)
      continue
    }
    const { eventTime, capabilities } = source
    // A faulty `event_time` has its own finding.
    if (!eventTime) {
      if (!source.spec?.eventTime)
        ctx.report('event_time_missing', place, path, `the source \`${root}\` does not say when its records happened`)
      continue
    }
    if (needed === 'arrival' && !eventTime.arrival)
      ctx.report('late_missing', place, path, `\`${step.id}\` does not say what becomes of records that are late`)
    if (eventTime.maxOutOfOrderMs === null && capabilities && !capabilities.bounded)
      ctx.report(
        'windows_never_close',
        source.spec!.eventTime!.entry.keyPlace,
        `${source.spec!.path}.event_time`,
        `\`${root}\` never ends, so with \`max_out_of_order: unbounded\` no window of \`${step.id}\` would ever close`,
      )
    if (
      capabilities?.lanes === 'split' &&
      !eventTime.arrival &&
      eventTime.idleAfterMs === undefined &&
      eventTime.maxOutOfOrderMs !== null &&
      !capabilities.bounded
    )
      ctx.report(
        'lanes_never_idle',
        source.spec!.eventTime!.entry.keyPlace,
        `${source.spec!.path}.event_time`,
        `one partition of \`${root}\` without records holds back every window of \`${step.id}\``,
      )
  }
}

/** What follows a step that emits results again: every result that replaces another must reach the same place. */
function checkBehindUpdates(
  { step: { id, spec } }: Placed,
  key: readonly string[],
  sinks: readonly CheckedSink[],
  flow: Flow,
  ctx: Checking,
): void {
  const once = entryOf(spec.config, 'window') ? 'emit: on_close' : 'leave out `emit`'
  /** By output behind the step: the fields that still have the value of a field of the result, by their names there. */
  const behind = new Map<string, ReadonlyMap<string, string>>([[id, new Map(key.map((field) => [field, field]))]])
  for (const { step, from, inference } of flow.steps) {
    const before = from.flatMap((name) => behind.get(name) ?? [])
    if (before.length === 0) continue
    const { definition, options, spec: own } = step
    const unchanged = Object.entries(inference?.unchanged ?? {}).flatMap(([name, of]) => {
      const origins = new Set(before.map((fields) => fields.get(of)))
      const [origin] = origins
      return origin !== undefined && origins.size === 1 ? [[name, origin] as const] : []
    })
    behind.set(step.id, new Map(unchanged))
    if (!definition || options === undefined) continue
    const { oneForOne } = definition
    if (typeof oneForOne === 'function' ? oneForOne(options as never) : oneForOne) continue
    ctx.report(
      'step_behind_updates',
      own.verb.keyPlace,
      own.path,
      `\`${own.verb.key}\` cannot follow \`${id}\`, which emits a result again when more records have come`,
    )
  }
  for (const { id: sink, spec: own, capabilities } of sinks) {
    const before = (flow.sinks.get(sink)?.from ?? []).flatMap((name) => behind.get(name) ?? [])
    if (!capabilities || before.length === 0) continue
    const { key: fields, part = [] } = capabilities
    const naming = (Array.isArray(fields) ? (fields as readonly string[]) : []).concat(part)
    const changing = naming.filter((field) => before.some((known) => !known.has(field)))
    if (fields !== undefined && capabilities.keyed !== false && changing.length === 0) continue
    const again = `\`${id}\` emits a result again when more records have come`
    const keyed = key.length === 0 ? 'a key' : `a key of ${key.map((field) => `\`${field}\``).join(', ')}`
    ctx.report(
      'sink_behind_updates',
      own.place,
      own.path,
      fields === undefined
        ? `\`${sink}\` adds every record, but ${again}`
        : changing.length > 0
          ? `what \`${sink}\` replaces depends on \`${changing.join('`, `')}\`, which can change: ${again}`
          : `\`${sink}\` keeps the first record of a key, but ${again}`,
      { hint: `${once}, or a sink with ${keyed}` },
    )
  }
}
