/** Queries to DuckDB, which shares no code with ours. */
import { DuckDBInstance } from '@duckdb/node-api'

/** One row of answers, each as text, number or null. */
export async function ask(sql: string): Promise<Record<string, unknown>> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  try {
    const [row] = (await connection.runAndReadAll(sql)).getRowObjectsJson()
    return row as Record<string, unknown>
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

/** All rows of an answer, each as text, number or null. */
export async function askAll(sql: string): Promise<Record<string, unknown>[]> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  try {
    return (await connection.runAndReadAll(sql)).getRowObjectsJson() as Record<string, unknown>[]
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}
