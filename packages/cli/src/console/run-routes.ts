/** Runs: those there are, their logs, asking for one, ending one. */
import { openStates } from '../serve/run.ts'
import { readLog } from '../serve/run-log.ts'
import { runLine } from './fleet.ts'
import { logPage } from './log-page.ts'
import type { Opening } from './opening.ts'
import type { ConsoleProject } from './project.ts'
import type { Route } from './server.ts'

const mostRuns = 200

/** The routes, by path. */
export function runRoutes(
  { ledger, stateDir, trigger, cancel }: Pick<ConsoleProject, 'ledger' | 'stateDir' | 'trigger' | 'cancel'>,
  { of }: Opening,
): Readonly<Record<string, Route>> {
  return {
    '/api/pipelines/*/trigger': {
      changes: true,
      answer: of(({ name }) => {
        trigger(name)
        return { run: ledger.list({ pipeline: name, limit: 1 }).map(runLine)[0] }
      }),
    },
    '/api/runs': {
      answer({ query }) {
        const pipeline = query.get('pipeline') ?? undefined
        return { runs: ledger.list({ pipeline, limit: mostRuns }).map(runLine), atMs: Date.now() }
      },
    },
    '/api/runs/*': {
      answer({ parts: [id] }) {
        const run = ledger.get(Number(id))
        return run && runLine(run)
      },
    },
    '/api/runs/*/cancel': {
      changes: true,
      answer({ parts: [id] }) {
        const run = ledger.get(Number(id))
        if (!run) return undefined
        if (openStates.includes(run.state)) cancel(run)
        return { run: runLine(ledger.get(run.id)!) }
      },
    },
    '/api/runs/*/log': {
      answer({ parts: [id], query }) {
        const run = ledger.get(Number(id))
        const before = Number(query.get('before') ?? Number.POSITIVE_INFINITY)
        return run && logPage(readLog(stateDir, run.pipeline, run.id), query.get('search') ?? '', before)
      },
    },
  }
}
