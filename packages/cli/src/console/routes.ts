/** What the console of a served project answers. */
import { basename } from 'node:path'
import { dismiss, MillraceError, type Plan, watermarksOf } from '@millrace/core'
import { lettersOf, originalText } from '../letters.ts'
import { adviceOn, holdText } from '../print/watermark.ts'
import { readLog } from '../serve/run-log.ts'
import type { Accepted } from '../serve/specs.ts'
import { type Opened, openPlan } from '../spec.ts'
import { version } from '../version.ts'
import { fleetOf, runLine } from './fleet.ts'
import { graphOf } from './graph.ts'
import { logPage } from './log-page.ts'
import { pageRoutes } from './page-routes.ts'
import type { ConsoleProject } from './project.ts'
import type { ConsoleRequest, Route } from './server.ts'

/** So many runs of each pipeline are seen at a glance. */
const lastRuns = 6
const mostRuns = 200
const mostLetters = 200

/** The routes, by path. */
export function routesOf(served: ConsoleProject): Readonly<Record<string, Route>> {
  const { ledger, stateDir } = served
  const acceptedAs = (name: string): Accepted | undefined =>
    served.reading().accepted.find((each) => each.name === name)
  /** Answers about a pipeline; undefined where there is none of that name. */
  const of =
    (answer: (accepted: Accepted, asked: ConsoleRequest) => unknown): Route['answer'] =>
    (asked) => {
      const accepted = acceptedAs(asked.parts[0]!)
      return accepted && answer(accepted, asked)
    }
  const opened = async ({ file, texts, flags }: Accepted, signal: AbortSignal): Promise<Opened> => {
    const io = { ...served.io, err: () => {}, out: () => {}, stopSignal: () => signal }
    const found = await openPlan(file, flags, io, { texts })
    if (!found) throw new MillraceError('spec_refused', 'the spec has errors now', { hint: 'pipe check' })
    return found
  }
  return {
    ...pageRoutes(served),
    '/api/project': {
      answer: () => ({
        name: served.reading().accepted[0]?.plan.project ?? basename(served.root),
        profile: served.profile,
        version,
        isReadOnly: served.isReadOnly,
        atMs: Date.now(),
      }),
    },
    '/api/pipelines': {
      answer() {
        const { accepted, refused } = served.reading()
        const runsOf = (pipeline: string) => ledger.list({ pipeline, limit: lastRuns })
        return { pipelines: fleetOf(accepted, refused, runsOf, served.live.snapshot()), atMs: Date.now() }
      },
    },
    '/api/pipelines/*': {
      answer: of(({ name, plan }) => ({
        name,
        description: plan.description,
        runs: plan.runs,
        parallelism: plan.parallelism,
        delivery: plan.delivery,
        graph: graphOf(plan),
        hasWindows: plan.steps.some(({ times }) => times),
        hasDeadLetter: plan.deadLetter !== undefined,
      })),
    },
    '/api/pipelines/*/trigger': {
      changes: true,
      answer: of(({ name }) => {
        served.trigger(name)
        return { run: ledger.list({ pipeline: name, limit: 1 }).map(runLine)[0] }
      }),
    },
    '/api/pipelines/*/windows': {
      answer: of(async (accepted, { signal }) => {
        const { plan, registry, workspace } = await opened(accepted, signal)
        return { instances: watermarksOf(plan, registry, workspace).map((each) => inWords(each, plan)) }
      }),
    },
    '/api/pipelines/*/letters': {
      answer: of(async (accepted, { query, signal }) => {
        const all = await lettersOf(await opened(accepted, signal), signal)
        const state = query.get('state') ?? 'open'
        const chosen = all.filter((each) => each.state === state)
        const kinds = Map.groupBy(chosen, ({ step, code, field }) => JSON.stringify([step, code, field]))
        return {
          total: chosen.length,
          kinds: [...kinds.values()].map((those) => {
            const { step, code, field } = those[0]!
            return { step, code, field, records: those.length }
          }),
          letters: chosen.slice(0, mostLetters).map((letter) => {
            const { id, step, code, field, message, source, split, position } = letter
            return { id, step, code, field, message, source, split, position, text: originalText(letter) }
          }),
        }
      }),
    },
    '/api/pipelines/*/dismiss': {
      changes: true,
      answer: of(async (accepted, { body, signal }) => {
        const ids = Array.isArray(body['ids']) ? body['ids'] : []
        const found = await opened(accepted, signal)
        const letters = (await lettersOf(found, signal)).filter(
          (each) => each.state === 'open' && ids.includes(each.id),
        )
        const keys = letters.map(({ id, step }) => ({ id, node: step }))
        if (keys.length > 0) await dismiss(found.plan, keys, { ...found.workspace, signal })
        return { dismissed: keys.length }
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
    '/api/runs/*/log': {
      answer({ parts: [id], query }) {
        const run = ledger.get(Number(id))
        const before = Number(query.get('before') ?? Number.POSITIVE_INFINITY)
        return run && logPage(readLog(stateDir, run.pipeline, run.id), query.get('search') ?? '', before)
      },
    },
  }
}

function inWords(found: ReturnType<typeof watermarksOf>[number], plan: Plan) {
  const nowMs = found.atMs ?? Date.now()
  const steps = found.steps.map(({ step, watermarkMs, hold, waiting }) => {
    return { step, watermarkMs, why: holdText(hold, nowMs), advice: adviceOn(hold, plan), waiting }
  })
  return { instance: found.instance, atMs: found.atMs, steps, lanes: found.lanes, otherLanes: found.otherLanes }
}
