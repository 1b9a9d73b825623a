/** The options, their checks, and how values are stored. */
import { option, type Problem, type RecordType, type Static, type Type } from '@millrace/core'
import { nameProblem, postgresOptions, postgresProblems } from '@millrace/client-postgres'
import {
  type ColumnRules,
  nullProblems,
  onNull,
  tableAccepts,
  tableExisting,
  tableOptions,
  tableProblems,
} from '@millrace/kinds'
import { columnType } from './columns.ts'

export const options = option.object({ ...postgresOptions, ...tableOptions, on_null: onNull, existing: tableExisting })
/** The resolved options. */
export type Options = Static<typeof options>

/** postgresql.org/docs/current/limits.html; the stage has three columns of its own. */
const rules: ColumnRules = { system: 'PostgreSQL', mostColumns: 1597, foldsCase: false, nameProblem }

/** Contradictions between options, independent of the records. */
export function optionProblems(o: Options): Problem[] {
  const schema = nameProblem(o.schema)
  return [
    ...postgresProblems(o),
    ...(schema
      ? [{ code: 'bad_value', message: `\`${o.schema}\` is not a valid name: ${schema}`, at: ['schema'] }]
      : []),
    ...tableProblems(o, rules),
    ...nullProblems(o, o.write === 'append' ? 'rows that are appended have no key' : undefined),
  ]
}

/** Problems with writing records of this type. */
export const accepts = (o: Options, input: RecordType): Problem[] => tableAccepts(o, input, rules)

/** How a type is stored. */
export const mapping = (type: Type): string => columnType(type)
