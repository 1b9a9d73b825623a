/** The collections and tables that pipelines write: their types, and how they are read. */
import type { RowSource, Unfolding } from '../query/index.ts'
import type { Plan, PlanSink } from '../plan/index.ts'
import type { Registry } from '../registry/index.ts'
import { envOf, type Workspace } from '../run/index.ts'
import type { RecordType } from '../schema/index.ts'
import { resolveConfig } from '../spec/index.ts'

/** A collection, as one sink leaves it. */
export interface Collection {
  readonly name: string
  readonly plan: Plan
  readonly sink: PlanSink
  /** The type of its documents. */
  readonly documents: RecordType
  /** How its documents are wide, if they are. */
  readonly unfolding?: Unfolding
}

/** The options that say which parts of a record a document holds. */
interface SinkParts {
  readonly collection?: string
  readonly table?: string
  readonly write?: string
  readonly key?: string | readonly string[]
  readonly fields?: readonly string[]
  readonly attribute?: { readonly name: string; readonly value: readonly string[] }
}

/** The name of the collection or table that a sink writes; undefined: it writes something else. */
export const collectionOf = ({ config }: PlanSink): string | undefined => {
  const { collection, table } = config as SinkParts
  return collection ?? table
}

/** The collections that pipelines write. */
export const collectionsOf = (plans: readonly Plan[]): readonly Collection[] =>
  plans.flatMap((plan) =>
    [...plan.sinks, ...(plan.deadLetter ? [plan.deadLetter] : [])].flatMap((sink) => {
      const name = collectionOf(sink)
      return name === undefined ? [] : [collection(name, plan, sink)]
    }),
  )

/**
 * The records' type. With `write: set`, a document has the fields that are merged into it; others are there only if
 * another sink sets them.
 */
function collection(name: string, plan: Plan, sink: PlanSink): Collection {
  const { write, key, fields, attribute } = sink.config as SinkParts
  const { input } = sink
  if (write !== 'set' || (fields === undefined && attribute === undefined))
    return { name, plan, sink, documents: input }
  const own = [...new Set([key ?? [], fields ?? []].flat())]
  const entries = Object.entries(input.fields).map(
    ([each, field]) => [each, own.includes(each) ? field : { ...field, optional: true }] as const,
  )
  return {
    name,
    plan,
    sink,
    documents: { ...input, fields: Object.fromEntries(entries) },
    ...(attribute ? { unfolding: unfoldingOf(attribute, own, input) } : {}),
  }
}

function unfoldingOf(
  { name, value }: NonNullable<SinkParts['attribute']>,
  fields: readonly string[],
  input: RecordType,
) {
  const names = [...new Set([...fields, name, ...value])]
  // It names an attribute, so every row has it.
  const field = (each: string) => (each === name ? { ...input.fields[each]!, optional: false } : input.fields[each]!)
  return { name, value, fields, rows: { fields: Object.fromEntries(names.map((each) => [each, field(each)])) } }
}

/** Reads the rows of a collection; undefined: its store cannot be queried. */
export function rowsOf(
  { name, plan, sink, documents }: Collection,
  registry: Registry,
  workspace: Pick<Workspace, 'root' | 'home' | 'secrets'>,
): RowSource | undefined {
  const definition = registry.sink(sink.type)!
  const { query, sorts } = definition
  if (!query) return undefined
  return {
    ...(sorts ? { sorts } : {}),
    hasKey: (sink.config as SinkParts).collection !== undefined,
    read: (asked, signal) =>
      query(
        resolveConfig(sink.config, workspace.secrets),
        envOf(plan, workspace, sink.id),
        { ...asked, collection: name, type: documents },
        signal,
      ),
  }
}
