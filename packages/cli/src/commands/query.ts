import {
  answerQuery,
  checkQuery,
  type Collection,
  collectionsOf,
  printJson,
  type QueryText,
  type Row,
  rowsOf,
  systemClock,
  toJson,
} from '@millrace/core'
import { defineCommand, usageError } from '../command.ts'
import { readGrouping } from '../group.ts'
import { wholeNumber } from '../number.ts'
import { rowTable } from '../print/table.ts'
import { specsOf } from '../find-spec.ts'
import { checkSpecs, type Opened, openPlan } from '../spec.ts'
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
    scan: {
      type: 'boolean',
      description: 'Let a store that bills every read, such as DynamoDB, read the whole collection.',
    },
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
  async run({ flags, args: [store, name] }, io) {
    const specs = specsOf(flags.spec === undefined ? [] : [flags.spec], io)
    const { opened, collection } = await findCollection(store!, name!, specs, flags, io)
    const source = rowsOf(collection, opened.registry, opened.workspace)
    if (!source) throw usageError(`A sink of type ${collection.sink.type} cannot be queried.`)
    const text: QueryText = {
      where: flags.where,
      ...(flags.group === undefined && flags.outputs === undefined ? {} : readGrouping(flags.group, flags.outputs)),
      sort: flags.sort?.split(',').map((field) => field.trim()),
      limit: wholeNumber('--limit', flags.limit, 50),
      scan: flags.scan,
    }
    const checked = checkQuery(text, collection)
    const [problem] = checked.problems
    if (problem) throw usageError(`--${String(problem.at[0])}: ${problem.message}`, problem.hint)
    const answer = await answerQuery(checked.bind({}, systemClock.now()), source, io.stopSignal())
    const plain = toJson({ kind: 'object', record: { ...answer.type, open: true } })
    const rows = answer.rows.map((row) => plain(row) as Row)
    if (flags.json) io.out(`${printJson(rows, 2)}\n`)
    else io.out(rows.length ? rowTable(rows) : 'Nothing found.\n')
    return 0
  },
})

type Flags = Parameters<typeof openPlan>[1]

// A spec with errors is skipped.
async function findCollection(
  store: string,
  name: string,
  specs: readonly string[],
  flags: Flags,
  io: Parameters<typeof openPlan>[2],
): Promise<{ readonly opened: Opened; readonly collection: Collection }> {
  const known: string[] = []
  for (const [i, { plan }] of (await checkSpecs(specs, flags, io)).entries()) {
    for (const collection of plan ? collectionsOf([plan]) : []) {
      const { sink } = collection
      if (collection.name === name && [sink.connection, sink.id, sink.type].includes(store))
        return { opened: (await openPlan(specs[i]!, { ...flags, json: true }, io))!, collection }
      known.push(`${sink.connection ?? sink.id} ${collection.name}`)
    }
  }
  throw usageError(
    `No pipeline of this project writes a collection \`${name}\` to \`${store}\`.`,
    known.length ? `There are: ${known.join(', ')}.` : 'Run `pipe plan` to see what a spec writes.',
  )
}
