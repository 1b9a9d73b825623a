/** The options of every sink of tables, under the same names, so that a profile can swap them; and their checks. */
import { option, type Problem, type RecordType } from '@millrace/core'
import { documentOptions } from '../documents/options.ts'
import { keyProblems } from '../keys.ts'

/** What a write does with the rows of a table. */
export const tableWrites = ['append', 'merge'] as const

/** Options that all warehouses share. */
export const tableOptions = {
  table: option.text('The table to write typed columns to; it is created if it does not exist.', {
    example: 'bulkimport',
  }),
  write: option.oneOf(tableWrites, '`append` adds rows, `merge` replaces the row of the key.', { default: 'append' }),
  key: documentOptions.key,
}

/** The option of a table that is appended to. */
export const tableExisting = option.oneOf(
  ['stop', 'replace', 'keep'],
  'Append: what a new run does if the table has rows of an earlier one: stop, empty the table first, or add to them.',
  { tuning: true, default: 'stop' },
)

/** The resolved options. */
export interface TableOptions {
  readonly table: string
  readonly write: (typeof tableWrites)[number]
  readonly key?: string | readonly string[] | undefined
}

/** What a system allows as columns. */
export interface ColumnRules {
  /** As in a message: `SQLite`. */
  readonly system: string
  readonly mostColumns: number
  /** Two names that differ in case only are the same column. */
  readonly foldsCase: boolean
  /** Why a column cannot have this name. */
  nameProblem(name: string): string | undefined
}

const problem = (at: readonly string[], code: string, message: string, more: Partial<Problem> = {}): Problem => ({
  code,
  message,
  at,
  ...more,
})

/** Contradictions between options, independent of the records. */
export function tableProblems(o: TableOptions, rules: ColumnRules): Problem[] {
  const wrong = rules.nameProblem(o.table)
  return [
    ...(wrong ? [problem(['table'], 'bad_value', `\`${o.table}\` is not a valid name: ${wrong}`)] : []),
    ...(o.write === 'merge' && o.key === undefined ? [problem([], 'missing_key', '`write: merge` needs a `key`')] : []),
  ]
}

/** Problems with writing records of this type to columns by these rules. */
export const tableAccepts = (o: TableOptions, input: RecordType, rules: ColumnRules): Problem[] => [
  ...keyProblems(o, input),
  ...columnProblems(input, rules),
]

/** Problems with columns for records of this type. */
export function columnProblems(
  input: RecordType,
  { system, mostColumns, foldsCase, nameProblem }: ColumnRules,
): Problem[] {
  const found: Problem[] = []
  const names = Object.keys(input.fields)
  if (input.open)
    found.push(
      problem([], 'bad_value', 'a table has fixed columns, but the records may have additional fields', {
        hint: 'unknown_fields: drop at the source, or `select` before the sink',
      }),
    )
  if (names.length === 0)
    found.push(problem([], 'bad_value', 'a table needs at least one column, but the records have no fields'))
  if (names.length > mostColumns)
    found.push(problem([], 'bad_value', `a table has at most ${mostColumns} columns, the records have ${names.length}`))
  const seen = new Map<string, string>()
  for (const name of names) {
    const wrong = nameProblem(name)
    if (wrong)
      found.push(
        problem([], 'bad_value', `the field \`${name}\` is not a valid column name: ${wrong}`, {
          hint: 'rename it with `select`',
        }),
      )
    const folded = foldsCase ? name.toLowerCase() : name
    const twin = seen.get(folded)
    if (twin !== undefined)
      found.push(
        problem(
          [],
          'bad_value',
          `the fields \`${twin}\` and \`${name}\` would be the same column: ${system} does not distinguish upper and lower case`,
          { hint: 'rename one with `select`' },
        ),
      )
    seen.set(folded, name)
  }
  return found
}
