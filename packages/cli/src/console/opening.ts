/** What routes about a pipeline share. */
import { MillraceError } from '@millrace/core'
import type { Accepted } from '../serve/specs.ts'
import { type Opened, openPlan } from '../spec.ts'
import type { ConsoleProject } from './project.ts'
import type { ConsoleRequest, Route } from './server.ts'

/** Finds pipelines, and what is needed to reach their systems. */
export interface Opening {
  /** Answers about the pipeline that the path names first; undefined where there is none of that name. */
  of(answer: (accepted: Accepted, asked: ConsoleRequest) => unknown): NonNullable<Route['answer']>
  opened(accepted: Accepted, signal: AbortSignal): Promise<Opened>
}

/** Of a project. */
export const createOpening = (served: Pick<ConsoleProject, 'reading' | 'io'>): Opening => ({
  of: (answer) => (asked) => {
    const accepted = served.reading().accepted.find(({ name }) => name === asked.parts[0])
    return accepted && answer(accepted, asked)
  },
  async opened({ file, texts, flags }, signal) {
    const io = { ...served.io, err: () => {}, out: () => {}, stopSignal: () => signal }
    const found = await openPlan(file, flags, io, { texts })
    if (!found) throw new MillraceError('spec_refused', 'the spec has errors now', { hint: 'pipe check' })
    return found
  },
})
