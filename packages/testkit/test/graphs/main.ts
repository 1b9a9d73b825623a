/**
 * `npm run graphs`: random pipelines against a model that shares no code with the engine.
 *
 * generate/ makes a case (a graph, its input and how it is run) from a seed and a number. project/ writes it as a spec
 * with input files, which goes through the real check. run/ runs it with the real engine and connectors, in this
 * process: once undisturbed, and once with a kill at a random crash point, after which it is started again until it
 * ends. Some cases have outages, published files that their readers move away, input that arrives later, and bad data
 * that stops the run until it is corrected. In many, sources tell the time of their records, and steps put these into
 * windows. model/ predicts from the case what every sink must hold, and judge/ compares. At the end, each sink is
 * judged by its own promise, with the dead letters, the counters and the balance; after each kill or stop, nothing may
 * be visible that was not saved.
 *
 *   npm run graphs                              2,000 cases, and a summary of their features and faults
 *   npm run graphs -- --graphs 50000            more cases
 *   npm run graphs -- --kills 330               500 kills and more, by SIGKILL, of the real command: of runs, of
 *                                               replays and while the state is rescaled
 *   npm run graphs -- --edits 1300              cases whose spec is edited during the run (edits/)
 *   npm run graphs -- --replays 400             cases whose letters are replayed under an edited spec (replays/)
 *   npm run graphs -- --case 31                 one case, with its spec and its faults
 *   npm run graphs -- --case 31 --crash after_save:3
 *   npm run graphs -- --case 31 --shrink        the same, and a smaller case with the same fault
 *   npm run graphs -- --edit 17                 one edit
 *   npm run graphs -- --replay 17               one replay
 *   npm run graphs -- --seed 7                  other cases
 *
 * A case is the same each time, but epochs are cut by time, so a fault that depends on timing may need several tries.
 * Exit code 1: there were faults.
 */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { showCase, showEdit, showReplay } from './one.ts'
import { killCases, runCases } from './many.ts'
import { reportOf } from './report.ts'

const { values: flags } = parseArgs({
  options: {
    graphs: { type: 'string', default: '2000' },
    seed: { type: 'string', default: '1' },
    /** The number of the first case. */
    from: { type: 'string', default: '0' },
    case: { type: 'string' },
    crash: { type: 'string' },
    kills: { type: 'string' },
    edits: { type: 'string' },
    edit: { type: 'string' },
    replays: { type: 'string' },
    replay: { type: 'string' },
    shrink: { type: 'boolean', default: false },
    /** More than cores, since cases wait for timers half of the time. */
    workers: { type: 'string', default: String(4 * availableParallelism()) },
  },
})

const parseKill = (text: string) => {
  const [point, time] = text.split(':')
  return { point: point!, time: Number(time ?? 1) }
}
const seed = Number(flags.seed)
if (flags.case !== undefined) {
  const crash = flags.crash === undefined ? undefined : parseKill(flags.crash)
  process.exitCode = await showCase(seed, Number(flags.case), crash, flags.shrink)
} else if (flags.edit !== undefined) {
  process.exitCode = await showEdit(seed, Number(flags.edit))
} else if (flags.replay !== undefined) {
  process.exitCode = await showReplay(seed, Number(flags.replay))
} else {
  const startedMs = performance.now()
  const from = Number(flags.from)
  const many = (n: string) => ({ seed, from, to: from + Number(n), workers: Number(flags.workers) })
  const reports =
    flags.kills !== undefined
      ? await killCases(many(flags.kills))
      : flags.edits !== undefined
        ? await runCases({ ...many(flags.edits), edits: true })
        : flags.replays !== undefined
          ? await runCases({ ...many(flags.replays), replays: true })
          : await runCases(many(flags.graphs))
  const { text, faults } = reportOf(reports, seed)
  console.log(text)
  console.log(`${((performance.now() - startedMs) / 1000).toFixed(0)} s`)
  process.exitCode = faults > 0 ? 1 : 0
}
