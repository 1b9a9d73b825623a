/** The options, their checks, and how values are stored. */
import { option, type Problem, type RecordType, type Static, type Type } from '@millrace/core'
import { canBeFound, columnType, nameProblem } from '@millrace/client-sqlite'
import {
  columnProblems,
  documentFieldProblems,
  documentOptions,
  documentProblems,
  documentWrites,
  keyProblems,
  nullProblems,
  onNull,
  tableExisting,
  undeletable,
} from '@millrace/kinds'

export const options = option.object({
  path: option.optional(
    option.path('The store file. Default: `store.db` in the data folder of the profile, shared by all its pipelines.', {
      example: 'data/shop.db',
    }),
  ),
  collection: option.optional(
    option.text('The collection to write documents to; it is created if it does not exist.', {
      example: 'invoice-items',
    }),
  ),
  table: option.optional(
    option.text('Instead of `collection`: the table to write typed columns to; it is created if it does not exist.', {
      example: 'bulkimport',
    }),
  ),
  write: option.optional(
    option.oneOf(
      [...documentWrites, 'append', 'merge'],
      'Documents: `upsert` replaces the document of the key (the default), `insert` treats an existing key as a data error, `set` merges fields into the document, `delete` removes it. Tables: `append` adds rows (the default), `merge` replaces the row of the key.',
      { example: 'set' },
    ),
  ),
  ...documentOptions,
  on_null: onNull,
  existing: tableExisting,
})

export type Options = Static<typeof options>

/** The write mode, with the default filled in. */
export const writeOf = (o: Options): NonNullable<Options['write']> =>
  o.write ?? (o.collection === undefined ? 'append' : 'upsert')

const problem = (
  at: readonly (string | number)[],
  code: string,
  message: string,
  more: Partial<Problem> = {},
): Problem => ({ code, message, at, ...more })

/** Contradictions between options, independent of the records. */
export function checkOptions(o: Options): Problem[] {
  const found: Problem[] = []
  const { collection, table } = o
  const name = collection ?? table
  if (name === undefined)
    return [
      problem([], 'missing_key', 'either `collection` or `table` is needed', {
        hint: 'collection: NAME for documents, table: NAME for typed columns',
      }),
    ]
  if (collection !== undefined && table !== undefined)
    return [
      problem(['table'], 'bad_value', '`collection` and `table` cannot be combined', {
        hint: 'remove one of them',
      }),
    ]
  const wrong = nameProblem(name)
  if (wrong)
    found.push(
      problem(
        [collection === undefined ? 'table' : 'collection'],
        'bad_value',
        `\`${name}\` is not a valid name: ${wrong}`,
      ),
    )
  const write = writeOf(o)
  const allowed: readonly string[] = collection === undefined ? ['append', 'merge'] : documentWrites
  if (!allowed.includes(write)) {
    const what = collection === undefined ? 'a table' : 'documents'
    found.push(
      problem(['write'], 'bad_value', `\`write: ${write}\` cannot be used with ${what}`, {
        expected: allowed.join(', '),
        got: write,
      }),
    )
  }
  if (write === 'merge' && o.key === undefined) found.push(problem([], 'missing_key', '`write: merge` needs a `key`'))
  if (collection === undefined && o.indexes)
    found.push(problem(['indexes'], 'bad_value', '`indexes` only apply to documents', { hint: 'use `collection`' }))
  return [
    ...found,
    ...nullProblems(o, write === 'append' ? 'rows that are appended have no key' : undeletable(o)),
    ...documentProblems(o, write, (field) =>
      canBeFound(field) ? undefined : (nameProblem(field) ?? 'its name does not allow it'),
    ),
  ]
}

/** Problems with writing records of this type. */
export const accepts = (o: Options, input: RecordType): Problem[] => [
  ...keyProblems(o, input),
  ...(o.collection === undefined
    ? columnProblems(input, { system: 'SQLite', mostColumns: 1000, foldsCase: true, nameProblem })
    : documentFieldProblems(input)),
]

/** How a type is stored, in documents and in columns. */
export function mapping(type: Type): string {
  const column = columnType(type)
  switch (type.kind) {
    case 'string':
      return 'JSON string; TEXT'
    case 'boolean':
      return 'true, false; INTEGER 0, 1'
    case 'integer':
      return 'JSON number; INTEGER'
    case 'bigint':
      return 'JSON string; INTEGER'
    case 'number':
      return 'JSON number; REAL'
    case 'decimal':
      return 'JSON string; TEXT'
    case 'date':
      return 'JSON string `yyyy-MM-dd`; TEXT'
    case 'timestamp':
      return 'JSON string `yyyy-MM-ddTHH:mm:ss.SSSZ`; TEXT'
    case 'time':
      return 'JSON string `HH:mm:ss`, with its fraction; TEXT'
    case 'fine_timestamp':
      return `JSON string \`yyyy-MM-ddTHH:mm:ss.${'S'.repeat(type.precision)}Z\`; TEXT`
    case 'bytes':
      return 'JSON string, base64; BLOB'
    default:
      return `JSON; ${column} with JSON`
  }
}
