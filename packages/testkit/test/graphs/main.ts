/**
 * `npm run graphs`: random graphs against a model that shares no code with the engine.
 *
 * A case is a graph (sources, steps, sinks), its input and the way it is run, all made from a seed and a number
 * (generate/). Its spec goes through the real check, and the real connectors run it in this process (play/): once
 * undisturbed, and once with a crash at a random crash point, after which it is started again until it has come to its
 * end. What the sinks then hold, what they showed on the way, the dead letters and the counters are judged (judge/) by
 * what the model (model/) predicts from the same case: records that must be there, one of several that may be, how
 * often. Some cases have outages, readers that take files away, input that comes later, and records that stop the run
 * until a person mends them.
 *
 *   npm run graphs                              2,000 cases and what they were like
 *   npm run graphs -- --graphs 50000            more of them
 *   npm run graphs -- --kills 100               real kills of the real command over other cases
 *   npm run graphs -- --edits 1300              edits of the spec under way; see edits/
 *   npm run graphs -- --edit 17                 one of them
 *   npm run graphs -- --seed 7 --case 31        one case, with its spec and all that is wrong with it
 *   npm run graphs -- --case 31 --crash after_save:3
 *   npm run graphs -- --case 31 --shrink        and a smaller case with the same fault
 *
 * Faults that known.ts lists are named by their number; the exit code is 1 for any fault.
 */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { showCase, showEdit } from './one.ts'
import { killCases, runCases } from './many.ts'
import { reportOf } from './report.ts'

const { values: flags } = parseArgs({
  options: {
    graphs: { type: 'string', default: '2000' },
    seed: { type: 'string', default: '1' },
    /** The number of the first case, or of the only one. */
    from: { type: 'string', default: '0' },
    case: { type: 'string' },
    crash: { type: 'string' },
    kills: { type: 'string' },
    edits: { type: 'string' },
    edit: { type: 'string' },
    shrink: { type: 'boolean', default: false },
    /** Half of the time a case waits for timers. */
    workers: { type: 'string', default: String(2 * availableParallelism()) },
  },
})

const death = (text: string) => {
  const [point, time] = text.split(':')
  return { point: point!, time: Number(time ?? 1) }
}
const seed = Number(flags.seed)
if (flags.case !== undefined) {
  const crash = flags.crash === undefined ? undefined : death(flags.crash)
  process.exitCode = await showCase(seed, Number(flags.case), crash, flags.shrink)
} else if (flags.edit !== undefined) {
  process.exitCode = await showEdit(seed, Number(flags.edit))
} else {
  const startedMs = performance.now()
  const from = Number(flags.from)
  const many = (n: string) => ({ seed, from, to: from + Number(n), workers: Number(flags.workers) })
  const told =
    flags.kills !== undefined
      ? await killCases(many(flags.kills))
      : flags.edits !== undefined
        ? await runCases({ ...many(flags.edits), edits: true })
        : await runCases(many(flags.graphs))
  const { text, faults } = reportOf(told, seed)
  console.log(text)
  console.log(`${((performance.now() - startedMs) / 1000).toFixed(0)} s`)
  process.exitCode = faults > 0 ? 1 : 0
}
