/** What the console of a project answers. */
import { basename } from 'node:path'
import type { Pipeline, Project, Windows } from '@millrace/console/wire'
import { type Plan, watermarksOf } from '@millrace/core'
import { adviceOn, holdText } from '../print/watermark.ts'
import { version } from '../version.ts'
import { dataRoutes } from './data/routes.ts'
import { fleetOf } from './fleet.ts'
import { graphOf } from './graph.ts'
import { letterRoutes } from './letter-routes.ts'
import { createOpening } from './opening.ts'
import { pageRoutes } from './page-routes.ts'
import type { ConsoleProject } from './project.ts'
import { runRoutes } from './run-routes.ts'
import type { Route } from './server.ts'
import { stateRoutes } from './state-routes.ts'
import { streamRoutes } from './streams/routes.ts'

/** So many runs of each pipeline are seen at a glance. */
const lastRuns = 6

/** The routes, by path. */
export function routesOf(served: ConsoleProject): Readonly<Record<string, Route>> {
  const opening = createOpening(served)
  const { of, opened } = opening
  return {
    ...pageRoutes(served),
    ...streamRoutes(served, opened),
    ...dataRoutes(served, opened),
    ...runRoutes(served, opening),
    ...letterRoutes(opening),
    ...stateRoutes(served, opening),
    '/api/project': {
      answer: (): Project => ({
        name: served.reading().accepted[0]?.plan.project ?? basename(served.root),
        profile: served.profile,
        version,
        isReadOnly: served.isReadOnly,
        isServed: served.isServed(),
        atMs: Date.now(),
      }),
    },
    '/api/pipelines': {
      answer() {
        const { accepted, refused } = served.reading()
        const runsOf = (pipeline: string) => served.ledger.list({ pipeline, limit: lastRuns })
        return { pipelines: fleetOf(accepted, refused, runsOf, served.live.snapshot()), atMs: Date.now() }
      },
    },
    '/api/pipelines/*': {
      answer: of(
        ({ name, plan }): Pipeline => ({
          name,
          description: plan.description,
          runs: plan.runs,
          parallelism: plan.parallelism,
          delivery: plan.delivery,
          graph: graphOf(plan),
          hasWindows: plan.steps.some(({ times }) => times),
          hasDeadLetter: plan.deadLetter !== undefined,
        }),
      ),
    },
    '/api/pipelines/*/windows': {
      answer: of(async (accepted, { signal }): Promise<Windows> => {
        const { plan, registry, workspace } = await opened(accepted, signal)
        return { instances: watermarksOf(plan, registry, workspace).map((each) => inWords(each, plan)) }
      }),
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
