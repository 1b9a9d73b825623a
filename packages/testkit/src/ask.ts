/** Queries of a store, answered as `pipe query` answers them. */
import {
  answerQuery,
  checkQuery,
  type Env,
  type QueryText,
  type RecordType,
  type Row,
  type RowSource,
  type SinkDefinition,
} from '@millrace/core'

/** The store's side of a query. `isTable`: its rows have no `_id`. */
export const askedStore = (
  { query, sorts }: SinkDefinition,
  options: unknown,
  env: Env,
  collection: string,
  type: RecordType,
  isTable = false,
): RowSource => ({
  ...(sorts ? { sorts } : {}),
  hasKey: !isTable,
  read: (asked, signal) => query!(options, env, { ...asked, collection, type }, signal),
})

/** Answers a query. Throws if it has problems. */
export async function ask(source: RowSource, type: RecordType, text: QueryText): Promise<readonly Row[]> {
  const checked = checkQuery(text, { documents: type })
  if (checked.problems.length > 0) throw new Error(JSON.stringify(checked.problems))
  return (await answerQuery(checked.bind({}, 0), source, new AbortController().signal)).rows
}
