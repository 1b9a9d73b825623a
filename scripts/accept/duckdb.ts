/** Queries to DuckDB, which shares no code with ours. */
import { DuckDBInstance } from '@duckdb/node-api'

type Answer = Record<string, unknown>

/** The rows of an answer, each value as text, number or null. */
export async function askAll(sql: string): Promise<Answer[]> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  try {
    return (await connection.runAndReadAll(sql)).getRowObjectsJson() as Answer[]
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

/** The only row of an answer. */
export const ask = async (sql: string): Promise<Answer> => (await askAll(sql))[0]!
