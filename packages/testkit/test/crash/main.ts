/**
 * `npm run crash -- --kills 200`: kills the real command at random times and at every named point, over CSV -> {SQLite,
 * JSON lines, Parquet} and over a stateful step, and compares what is left with what must be there. Exit code 1:
 * something was lost, duplicated or wrong, or a point was never passed.
 */
import { globSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { crashPoints } from '@millrace/core'
import { mulberry32 } from '../../src/retail.ts'
import { crashJobs, crashProject, pipeFromSource } from './jobs.ts'
import { runUntilDone, startOnce } from '../../src/until-done.ts'

const { values: flags } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    rows: { type: 'string', default: '60000' },
    seed: { type: 'string', default: '1' },
    job: { type: 'string', multiple: true },
    /** The built command instead of the sources. */
    built: { type: 'boolean', default: false },
    folder: { type: 'string', default: join(tmpdir(), `millrace-crash-${process.pid}`) },
  },
})
const pipe = flags.built ? [fileURLToPath(new URL('../../../cli/bin/pipe.mjs', import.meta.url))] : pipeFromSource

// Points that nobody passes prove nothing: every one in the sources that these jobs run must be known to one of them.
const sources = ['core', 'formats', 'source-csv', 'sink-files', 'sink-sqlite'].flatMap((name) =>
  globSync(fileURLToPath(new URL(`../../../${name}/src/**/*.ts`, import.meta.url))),
)
const named = new Set(
  sources.flatMap((path) =>
    [...readFileSync(path, 'utf8').matchAll(/crashPoint\('(\w+)'\)/g)].map(([, point]) => point!),
  ),
)
/** Points of mechanisms that these jobs do not use: `npm run graphs -- --kills` passes them. */
const inGraphs = ['rescale_filled', 'rescale_marked', 'rescale_renamed', 'side_remembered']
/** No source here has a commit action, and what a kill left is rarely recorded: the loop's test passes them. */
const inLoop = ['after_commit_action', 'before_mark_done']
const unknown = [...named].filter(
  (point) =>
    !inGraphs.includes(point) &&
    !(crashPoints as readonly string[]).includes(point) &&
    !crashJobs.some(({ points }) => points.includes(point)),
)
if (unknown.length) throw new Error(`no job passes the crash points ${unknown.join(', ')}`)

const random = mulberry32(Number(flags.seed))
const jobs = crashJobs.filter(({ name }) => !flags.job || flags.job.includes(name))
const wanted = Math.ceil(Number(flags.kills) / jobs.length)
let failures = 0
const passedSomewhere = new Set<string>()
let total = 0

for (const job of jobs) {
  const project = crashProject(job, join(flags.folder, job.name), pipe, Number(flags.rows), Number(flags.seed))
  const tell = (what: string) => console.log(`${job.name.padEnd(14)} ${what}`)
  const verified = async (what: string): Promise<boolean> => {
    try {
      await project.verify()
      return true
    } catch (error) {
      failures++
      tell(`WRONG after ${what}: ${(error as Error).message}`)
      return false
    }
  }

  let started = performance.now()
  await startOnce(project.program, 'lives')
  if (!(await verified('an undisturbed run'))) continue
  // Again, since the first start also compiled: kills must fall into the run.
  project.reset()
  started = performance.now()
  await startOnce(project.program, 'lives')
  const wholeMs = performance.now() - started
  tell(`undisturbed: ${(wholeMs / 1000).toFixed(2)} s`)

  const passed: string[] = []
  for (const point of [...crashPoints, ...job.points]) {
    for (const time of [1, 2, 4]) {
      project.reset()
      // The second start also dies at this point, the third runs to the end.
      const { kills, firstKilled } = await runUntilDone(
        project.program,
        (start) => (start < 2 ? { point, time } : 'lives'),
        project,
      )
      if (firstKilled) passedSomewhere.add(point)
      total += kills
      if (firstKilled && (await verified(`two kills at ${point}:${time}`))) passed.push(`${point}:${time}`)
    }
  }
  tell(`right after two kills at each of ${passed.length} places: ${passed.join(' ')}`)

  let kills = 0
  let runs = 0
  while (kills < wanted) {
    project.reset()
    // On a machine that got slower a start may not come as far as its first save: the later ones live longer.
    const dies = (start: number) => ({ afterMs: wholeMs * (0.1 + random() * 0.85) * (1 + start / 20) })
    const ended = await runUntilDone(project.program, dies, project)
    kills += ended.kills
    runs++
    await verified(`${ended.kills} kills at random times (run ${runs})`)
  }
  total += kills
  tell(`${kills} kills at random times over ${runs} runs`)
}
// A point that no job passes proves nothing. Steps that are pushed down into the source pass no point of their own, so
// not every job passes every one.
const never = [...crashPoints, ...jobs.flatMap(({ points }) => points)].filter(
  (point) => !passedSomewhere.has(point) && !inLoop.includes(point),
)
if (never.length) {
  failures++
  console.log(`never passed: ${never.join(', ')}`)
}
console.log(failures ? `${failures} FAILURES in ${total} kills` : `${total} kills: 0 lost, 0 doubled, state right`)
process.exitCode = failures ? 1 : 0
