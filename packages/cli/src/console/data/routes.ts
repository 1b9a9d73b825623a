/** What the console answers about collections and tables. */
import type { CollectionLine, DataPage } from '@millrace/console/wire'
import {
  allRows,
  answerQuery,
  type Cell,
  cellOf,
  checkQuery,
  type Collection,
  fieldOf,
  printJson,
  type Row,
  toJson,
  typeText,
} from '@millrace/core'
import type { Accepted } from '../../serve/specs.ts'
import type { Opened } from '../../spec.ts'
import { csvHeader, csvLine } from '../csv.ts'
import type { ConsoleProject } from '../project.ts'
import type { FileAnswer } from '../sending.ts'
import type { ConsoleRequest, Route } from '../server.ts'
import { type Answer, createAnswers } from './answers.ts'
import { askedIn, bound, checkAsked, findCollections, type FoundCollection, problemsIn, rowsIn } from './find.ts'

const mostRows = 500
/** A part of a file has about this many characters. */
const partChars = 64 * 1024

/** The routes, by path. `opened`: what is needed to reach the systems of a pipeline. */
export function dataRoutes(
  { reading }: Pick<ConsoleProject, 'reading'>,
  opened: (accepted: Accepted, signal: AbortSignal) => Promise<Opened>,
): Readonly<Record<string, Route>> {
  const answers = createAnswers()
  /** Answers about a collection; undefined where there is no such one. */
  const of =
    <T>(answer: (found: FoundCollection, asked: ConsoleRequest) => Promise<T>) =>
    async (asked: ConsoleRequest): Promise<T | undefined> => {
      const [place, name] = asked.parts
      const found = findCollections(reading().accepted).find(
        ({ line }) => line.place === place && line.collection === name,
      )
      return found && answer(found, asked)
    }
  const answerTo = async (found: FoundCollection, { query, signal }: ConsoleRequest): Promise<Answer> =>
    answers.get(query.get('id') ?? '') ??
    (await answers.ask(found, askedIn(query), await opened(found.accepted, signal), signal))
  return {
    '/api/collections': {
      answer: (): { readonly collections: readonly CollectionLine[] } => ({
        collections: findCollections(reading().accepted).map(({ line }) => line),
      }),
    },
    '/api/collections/*/*/rows': {
      answer: of(async (found, asked): Promise<DataPage> => {
        const checked = checkAsked(found, askedIn(asked.query))
        if (checked.problems.length > 0) return { problems: problemsIn(checked) }
        const { id, atMs, rows, isCut } = await answerTo(found, asked)
        const from = Math.max(0, Number(asked.query.get('from')) || 0)
        const cells = cellsOf(found.collection)
        return { id, atMs, kept: rows.length, isCut, from, rows: rows.slice(from, from + mostRows).map(cells) }
      }),
    },
    '/api/collections/*/*/count': {
      answer: of(async (found, { query, signal }) => {
        const { where, scan } = askedIn(query)
        const text = { ...(where === '' ? {} : { where }), outputs: { rows: 'count()' }, scan }
        const source = rowsIn(found, await opened(found.accepted, signal))
        const answer = await answerQuery(bound(checkQuery(text, found.collection)), source, signal)
        return { rows: Number(answer.rows[0]?.['rows'] ?? 0) }
      }),
    },
    '/api/collections/*/*/row': {
      answer: of(async (found, asked) => {
        const { rows } = await answerTo(found, asked)
        const row = rows[Number(asked.query.get('at'))]
        return row && { json: jsonOf(found.collection, row, 2) }
      }),
    },
    '/api/collections/*/*/export': {
      file: of(async (found, { query, signal }): Promise<FileAnswer> => {
        const isCsv = query.get('format') !== 'jsonl'
        const source = rowsIn(found, await opened(found.accepted, signal))
        const rows = allRows(bound(checkAsked(found, askedIn(query))), source, signal)
        return {
          name: `${found.collection.name}.${isCsv ? 'csv' : 'jsonl'}`,
          type: isCsv ? 'text/csv; charset=utf-8' : 'application/jsonl; charset=utf-8',
          parts: joined(isCsv ? csvOf(found.collection, rows) : jsonlOf(found.collection, rows)),
        }
      }),
    },
  }
}

const columnsOf = ({ documents }: Collection) =>
  Object.keys(documents.fields).map((name) => {
    const { type } = fieldOf(documents, name)!
    return { name, type: typeText(type), cell: cellOf(type) }
  })

function cellsOf(collection: Collection): (row: Row) => readonly Cell[] {
  const columns = columnsOf(collection)
  return (row) => columns.map(({ name, cell }) => cell(row[name]))
}

/** Everything that is in a document, also what its spec does not declare. */
const jsonOf = ({ documents }: Collection, row: Row, indent?: number): string =>
  printJson(toJson({ kind: 'object', record: { ...documents, open: true } })(row), indent)

async function* csvOf(collection: Collection, rows: AsyncIterable<Row>): AsyncGenerator<string> {
  const columns = columnsOf(collection)
  yield csvHeader(columns)
  for await (const row of rows)
    yield csvLine(
      columns,
      columns.map(({ name, cell }) => cell(row[name])),
    )
}

async function* jsonlOf(collection: Collection, rows: AsyncIterable<Row>): AsyncGenerator<string> {
  for await (const row of rows) yield `${jsonOf(collection, row)}\n`
}

async function* joined(lines: AsyncIterable<string>): AsyncGenerator<string> {
  let part = ''
  for await (const line of lines) {
    part += line
    if (part.length < partChars) continue
    yield part
    part = ''
  }
  yield part
}
