import {
  compileExpression,
  envOf,
  type Plan,
  type PlanSink,
  printJson,
  type Query,
  type RecordType,
  resolveConfig,
  type Row,
  toJson,
} from '@millrace/core'
import { defineCommand, usageError } from '../command.ts'
import { documentTypeOf } from '../document-type.ts'
import { createGrouping, type Grouping, readGrouping, sortRows } from '../group.ts'
import { wholeNumber } from '../number.ts'
import { rowTable } from '../print/table.ts'
import { specsOf } from '../find-spec.ts'
import { checkSpecs, type Opened, openPlan } from '../spec.ts'
import { collectionOf } from '../letters.ts'
import { specFlags } from '../spec-flags.ts'

export default defineCommand({
  name: 'query',
  summary: 'Query a collection that a pipeline of this project writes.',
  args: [
    ['STORE', 'The connection, or the id of the sink.'],
    ['COLLECTION', 'The collection.'],
  ],
  flags: {
    ...specFlags,
    spec: { type: 'text', value: 'SPEC', description: 'The spec that writes it; default: any spec of the project.' },
    where: { type: 'text', value: 'CEL', description: "Only documents that match: 'CustomerID == 17850'." },
    sort: {
      type: 'text',
      value: 'FIELD',
      description: 'Sort by this field; a leading minus sorts in descending order. Separate several with commas.',
    },
    group: {
      type: 'text',
      value: 'FIELDS',
      description: 'One row per group of documents with equal values in these fields. Separate several with commas.',
    },
    outputs: {
      type: 'text',
      value: 'AGGREGATES',
      description:
        "Aggregates per group, or over all documents: 'lines=count(),total=sum(Quantity * UnitPrice)'; default count=count().",
    },
    limit: { type: 'text', value: 'N', description: 'Maximum number to print; default 50.' },
    table: { type: 'boolean', description: 'Print a table (the default).' },
  },
  examples: [
    ['pipe query store orders --where \'customer == "Ada"\'', 'The orders of one customer.'],
    ['pipe query store orders --sort -ordered_at --limit 10 --json', 'The ten latest, as JSON.'],
    [
      "pipe query store orders --group customer --outputs 'orders=count(),spent=sum(quantity * price)' --sort -spent",
      'The customers who spend most.',
    ],
  ],
  async run({ flags, args: [store, collection] }, io) {
    const { opened, sink } = await findCollection(
      store!,
      collection!,
      specsOf(flags.spec === undefined ? [] : [flags.spec], io),
      flags,
      io,
    )
    const { workspace, plan, registry } = opened
    const definition = registry.sink(sink.type)!
    if (!definition.query) throw usageError(`A sink of type ${sink.type} cannot be queried.`)
    const env = envOf(plan, workspace, sink.id)
    const documents = documentTypeOf(sink)
    const sort = sortOf(flags.sort)
    const limit = wholeNumber('--limit', flags.limit, 50)
    const asked =
      flags.group === undefined && flags.outputs === undefined ? undefined : readGrouping(flags.group, flags.outputs)
    const grouping = asked && createGrouping(asked, documents, plan, env)
    const query: Query = {
      collection: collection!,
      type: documents,
      where: flags.where === undefined ? undefined : condition(flags.where, documents),
      // Groups are computed here: the store only finds their documents.
      ...(grouping ? {} : { limit, sort }),
    }
    const found = definition.query(resolveConfig(sink.config, workspace.secrets), env, query, io.stopSignal())
    const rows = grouping ? await groupsOf(found, grouping, sort, limit) : await allOf(found)
    const type = grouping?.type ?? documents
    const plain = toJson({ kind: 'object', record: { ...type, open: true } })
    if (flags.json) io.out(`${printJson(rows.map(plain), 2)}\n`)
    else io.out(rows.length ? rowTable(rows.map((row) => plain(row) as Row)) : 'Nothing found.\n')
    return 0
  },
})

const sortOf = (text: string | undefined): Query['sort'] =>
  text?.split(',').map((field) => ({ field: field.trim().replace(/^-/, ''), descending: field.trim().startsWith('-') }))

async function allOf(found: AsyncIterable<Row>): Promise<readonly Row[]> {
  const rows: Row[] = []
  for await (const row of found) rows.push(row)
  return rows
}

async function groupsOf(
  found: AsyncIterable<Row>,
  grouping: Grouping,
  sort: Query['sort'],
  limit: number,
): Promise<readonly Row[]> {
  let rows: Row[] = []
  const add = () => {
    grouping.add(rows)
    rows = []
  }
  for await (const row of found) if (rows.push(row) === 1000) add()
  add()
  const groups = grouping.rows()
  return (sort ? sortRows(groups, sort, grouping.type) : groups).slice(0, limit)
}

type Flags = Parameters<typeof openPlan>[1]

// The collection's fields and the store's config are those of the sink that writes it. A spec with errors is skipped.
async function findCollection(
  store: string,
  collection: string,
  specs: readonly string[],
  flags: Flags,
  io: Parameters<typeof openPlan>[2],
): Promise<{ opened: Opened; sink: PlanSink }> {
  const known: string[] = []
  for (const [i, { plan }] of (await checkSpecs(specs, flags, io)).entries()) {
    for (const sink of plan ? sinksOf(plan) : []) {
      const name = collectionOf(sink)
      if (name === undefined) continue
      if (name === collection && [sink.connection, sink.id, sink.type].includes(store))
        return { opened: (await openPlan(specs[i]!, { ...flags, json: true }, io))!, sink }
      known.push(`${sink.connection ?? sink.id} ${name}`)
    }
  }
  throw usageError(
    `No pipeline of this project writes a collection \`${collection}\` to \`${store}\`.`,
    known.length ? `There are: ${known.join(', ')}.` : 'Run `pipe plan` to see what a spec writes.',
  )
}

const sinksOf = (plan: Plan): readonly PlanSink[] => [...plan.sinks, ...(plan.deadLetter ? [plan.deadLetter] : [])]

// Compiled as in a step. Documents of the store may lack a field that the spec declares as required: such a document
// does not match.
function condition(text: string, input: RecordType): NonNullable<Query['where']> {
  const compiled = compileExpression(text, input)
  if (!compiled.ok)
    throw usageError(
      `--where: ${compiled.problems.map((problem) => problem.message).join('; ')}`,
      compiled.problems[0]?.hint,
    )
  if (compiled.type.kind !== 'boolean') throw usageError('--where needs a boolean expression.')
  const required = compiled.fields.filter((field) => !input.fields[field]!.optional)
  return {
    equals: compiled.equals,
    test: (row) =>
      required.every((field) => row[field] !== null && row[field] !== undefined) && compiled.evaluate(row) === true,
  }
}
