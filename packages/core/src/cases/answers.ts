/** The answers of sources that answer, as cases show them. */
import type { Answer, Done } from '../connector/index.ts'
import type { Plan, PlanSource } from '../plan/index.ts'
import { answerType } from '../run/wiring.ts'
import type { Json, Row } from '../record/index.ts'
import { type Plain, plainRow } from './rows.ts'

/** The names of the fields of an answer. */
export const answerFields = ['source', 'outcome', 'code', 'field', 'message', 'record']

/** The answers to requests of a source, in their order; of several faults of a record, the first. */
export function answersOf(plan: Plan, source: PlanSource, done: readonly Done[]): Plain[] {
  const type = answerType(plan, source)
  const recordOf = (row: Row | undefined): Record<string, Json> => (row ? { record: plainRow(row, type) } : {})
  const plainOf = ({ outcome, row, errors = [] }: Pick<Answer, 'outcome' | 'row' | 'errors'>): Plain => {
    const { code, field, message } = errors[0] ?? {}
    return {
      source: source.id,
      outcome,
      ...(code === undefined ? {} : { code }),
      ...(field === undefined ? {} : { field }),
      ...(message === undefined ? {} : { message }),
      ...recordOf(row),
    }
  }
  return done.flatMap(({ taken, answers }) => [
    ...(taken ?? []).map((row) => plainOf({ outcome: 'taken', row })),
    ...(answers ?? []).map(plainOf),
  ])
}
