/** A case with the spec that it is about: its records typed, its ids and names checked. */
import type { Json } from '../record/index.ts'
import { deadLetterSchema } from '../connector/dead-letter.ts'
import type { Plan, PlanSink, PlanSource } from '../plan/index.ts'
import type { Registry } from '../registry/index.ts'
import { envOf } from '../run/index.ts'
import type { RecordType } from '../schema/index.ts'
import { createReport, type Finding, type Report } from '../spec/finding.ts'
import { resolveConfig } from '../spec/index.ts'
import { readKeys } from '../spec/read.ts'
import { suggest } from '../spec/suggest.ts'
import { lineAndColumn, type MapEntry, type SpecNode } from '../spec/tree.ts'
import { answerFields } from './answers.ts'
import type { Case, TestFile } from './file.ts'
import { jsonValue, plainRow, rowOf } from './rows.ts'
import { readScript, type ScriptEntry, type ScriptRecord } from './script.ts'
import { errorShape } from './shape.ts'

/** A record that a case expects, in its JSON form. */
export interface ExpectedRecord {
  readonly plain: Readonly<Record<string, Json>>
  readonly line: number
  readonly col: number
  readonly node: SpecNode
}

/** What a case expects of a sink. */
export interface ExpectedOutput {
  readonly sink: string
  readonly records: readonly ExpectedRecord[]
  /** Only the fields that are named count. */
  readonly isPartial: boolean
  /** The place of the list. */
  readonly line: number
  readonly col: number
}

/** A case that can be run. */
export interface BoundCase {
  readonly case: Case
  readonly file: TestFile
  readonly plan: Plan
  readonly registry: Registry
  readonly scripts: readonly (readonly ScriptEntry[])[]
  /** The records of side inputs that it gives. */
  readonly sides: ReadonlyMap<string, readonly ScriptRecord[]>
  /** Undefined: it expects nothing yet. */
  readonly outputs: readonly ExpectedOutput[] | undefined
  readonly error:
    | { readonly code: string; readonly message?: string; readonly line: number; readonly col: number }
    | undefined
}

/** Binds a case to the plan of its spec, made without pushdown. There is no case if a finding is an error. */
export function bindCase(
  file: TestFile,
  one: Case,
  plan: Plan,
  registry: Registry,
): { readonly findings: readonly Finding[]; readonly bound?: BoundCase } {
  const report = createReport()
  const path = `tests[${one.index}]`
  const given = readGiven(one, plan, registry, file, `${path}.given`, report)
  const expected = readExpected(one, plan, `${path}.expect`, report)
  const findings = report.findings()
  if (report.errors() > 0) return { findings }
  return { findings, bound: { case: one, file, plan, registry, ...given, ...expected } }
}

/** The entries of a map with known keys; the others are reported. */
function knownEntries(
  entry: MapEntry | undefined,
  known: readonly string[],
  what: string,
  path: string,
  report: Report,
): readonly MapEntry[] {
  if (!entry) return []
  const { value: node } = entry
  if (node.kind !== 'map') {
    report('wrong_type', node.place, path, `\`${entry.key}\` must be a map by ${what}`, { expected: 'a map' })
    return []
  }
  return node.entries.filter(({ key, keyPlace }) => {
    if (known.includes(key)) return true
    report('unknown_key', keyPlace, `${path}.${key}`, `the spec has no ${what} \`${key}\``, {
      hint: suggest(key, known),
    })
    return false
  })
}

function readGiven(one: Case, plan: Plan, registry: Registry, file: TestFile, path: string, report: Report) {
  const scripts: ScriptEntry[][] = []
  const sides = new Map<string, readonly ScriptRecord[]>()
  const ids = plan.sources.map(({ id }) => id)
  for (const { key, value } of knownEntries(one.given, ids, 'source', path, report)) {
    const source = plan.sources.find(({ id }) => id === key)!
    const { schema, capabilities } = source
    const { bounded, answers = false } = capabilities
    const decode = decoderOf(source, plan, registry, file.root)
    const entries = readScript(
      value,
      { id: key, schema, bounded, answers, decode },
      one.clockMs,
      `${path}.${key}`,
      report,
    )
    if (source.side)
      sides.set(
        key,
        entries.flatMap((entry) => (entry.kind === 'records' ? entry.records : [])),
      )
    else scripts.push(entries)
  }
  for (const source of plan.sources.filter(({ side, id }) => side && !sides.has(id)))
    if (!readsFiles(source, plan, registry, file.root)) {
      const place = one.given?.keyPlace ?? { ...one.node.place, end: one.node.place.start }
      report(
        'missing_key',
        place,
        path,
        `the side input \`${source.id}\` is not a file, so its records must be given`,
        {
          hint: `${source.id}: [...]`,
        },
      )
    }
  return { scripts, sides }
}

const fakeSecrets = () => 'secret'

const envIn = (plan: Plan, root: string, id: string) => envOf(plan, { root, home: root, secrets: fakeSecrets }, id)

function decoderOf(source: PlanSource, plan: Plan, registry: Registry, root: string) {
  const definition = registry.source(source.type)!
  const { schema, unknownFields } = source
  return definition.decoder?.(resolveConfig(source.config, fakeSecrets), {
    ...envIn(plan, root, source.id),
    schema,
    unknownFields,
  })
}

/** Files of the project are small and do not change, so a case may read them. */
function readsFiles(source: PlanSource, plan: Plan, registry: Registry, root: string): boolean {
  const { reads } = registry.source(source.type)!
  const places = reads?.(resolveConfig(source.config, fakeSecrets), envIn(plan, root, source.id)) ?? []
  return places.length > 0 && places.every((place) => place.startsWith('files:'))
}

function readExpected(one: Case, plan: Plan, path: string, report: Report): Pick<BoundCase, 'outputs' | 'error'> {
  if (!one.expect) return { outputs: undefined, error: undefined }
  const sinks = new Map<string, PlanSink>(plan.sinks.map((sink) => [sink.id, sink]))
  if (plan.deadLetter) sinks.set('dead_letter', plan.deadLetter)
  const outputs: ExpectedOutput[] = []
  let error: BoundCase['error']
  const answers = plan.sources.some(({ capabilities }) => capabilities.answers) ? ['answers'] : []
  const known = [...sinks.keys(), ...answers, 'error']
  for (const { key, keyPlace, value } of knownEntries(one.expect, known, 'sink', path, report)) {
    const at = lineAndColumn(keyPlace.file, keyPlace.start)
    const ownPath = `${path}.${key}`
    if (key === 'error' && !sinks.has('error')) {
      const { values } = readKeys(value, errorShape, ownPath, report)
      const { code, message } = values
      error = { code: String(code), ...at, ...(typeof message === 'string' ? { message } : {}) }
    } else if (value.kind !== 'list')
      report('wrong_type', value.place, ownPath, 'records are expected as a list', { expected: 'a list' })
    else
      outputs.push({
        sink: key,
        isPartial: key === 'dead_letter' || !sinks.has(key),
        ...at,
        records: value.items.flatMap((node, i) => {
          const itemPath = `${ownPath}[${i}]`
          const sink = sinks.get(key)
          const plain =
            sink && key !== 'dead_letter'
              ? recordOf(node, sink.input, itemPath, report)
              : partOf(node, sink ? letterFields : answerFields, sink ? 'a dead letter' : 'an answer', itemPath, report)
          return plain ? [{ plain, node, ...lineAndColumn(node.place.file, node.place.start) }] : []
        }),
      })
  }
  return { outputs, error }
}

function recordOf(node: SpecNode, type: RecordType, path: string, report: Report) {
  const row = rowOf(node, type, path, report)
  return row && plainRow(row, type)
}

/** Those of dead letters; `raw` is the text of the record. */
const letterFields = [...Object.keys(deadLetterSchema.fields).filter((name) => name !== 'bytes'), 'raw']

/** Some fields of a dead letter or an answer. */
function partOf(
  node: SpecNode,
  known: readonly string[],
  what: string,
  path: string,
  report: Report,
): Readonly<Record<string, Json>> | undefined {
  if (node.kind !== 'map') {
    report('wrong_type', node.place, path, `${what} must be a map of its fields`, { expected: 'a map' })
    return undefined
  }
  for (const { key, keyPlace } of node.entries)
    if (!known.includes(key))
      report('unknown_key', keyPlace, `${path}.${key}`, `${what} has no \`${key}\``, {
        hint: suggest(key, known),
      })
  return jsonValue(node) as Readonly<Record<string, Json>>
}
