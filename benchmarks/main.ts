/**
 * `npm run bench`: what a job costs with Millrace, with a fair naive Node pipeline, with DuckDB on one thread, and with
 * a hand-written SQLite loop. Contestants take turns within each round, so a busy machine slows all of them; figures
 * are medians; outputs are checked to be equal before anything is timed. Ratios count, not seconds. `--quick` uses a
 * few generated rows to show that everything runs, and judges nothing.
 */
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { buildSync, transformSync } from 'esbuild'
import { sameFiles, sameResults, sameStores } from './compare.ts'
import { type Inputs, prepareInputs, tenfold, tenfoldLines } from './input.ts'
import { type Cost, measure, median, wallMs } from './measure.ts'
import { type Contestant, inputOf, type Job, jobs, outputOf, pipe, type Places, programOf } from './work.ts'

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    runs: { type: 'string' },
    only: { type: 'string', multiple: true },
    /** A built command other than this checkout's. */
    pipe: { type: 'string' },
    dates: { type: 'boolean', default: false },
  },
})
const runs = Number(flags.runs ?? (flags.quick ? 1 : 5))
const wanted = (part: string) => !flags.only || flags.only.includes(part)
const here = import.meta.dirname
const out = join(here, '..', 'out', 'bench')

interface Verdict {
  readonly what: string
  readonly passed: boolean
}
const verdicts: Verdict[] = []
const results: Record<string, unknown> = {}
const say = (line = '') => console.log(line)

const places = preparePlaces()
if (flags.dates) await (await import(join(places.programs, 'naive/dates.js'))).compareDateLibraries()
else await main()

async function main(): Promise<void> {
  const inputs = await prepareInputs(join(out, 'input'), flags.quick ? 5_000 : undefined)
  say(`${inputs.origin}; Node ${process.version}, ${cpus()[0]?.model ?? 'unknown CPU'}, median of ${runs}`)
  say(
    'All read the file as it is, in ISO-8859-1, but DuckDB, which gets a UTF-8 copy. CPU is the whole process, from start to end.',
  )
  for (const job of jobs) if (wanted(job.id)) await runJob(job, inputs)
  if (wanted('start')) measureStart(inputs)
  if (wanted('memory') && !flags.quick) await measureMemory(inputs)
  say('\nGates')
  for (const { what, passed } of verdicts) say(`  ${flags.quick ? 'ran   ' : passed ? 'passed' : 'MISSED'}  ${what}`)
  if (flags.quick) say('  Quick: this shows that everything runs; its figures mean nothing.')
  writeFileSync(
    join(out, 'results.json'),
    JSON.stringify({ origin: inputs.origin, runs, quick: flags.quick, results, verdicts }, null, 2),
  )
}

/**
 * Sets up folders, our specs as a separate project, and the contestants with their types stripped, so no one pays for
 * that at start-up.
 */
function preparePlaces(): Places {
  // A folder for this process alone: running two at a time is not a good idea, but they must not spoil each other's
  // results.
  const own = join(out, `run-${process.pid}`)
  process.on('exit', () => rmSync(own, { recursive: true, force: true }))
  const made: Places = {
    programs: join(own, 'programs'),
    project: join(own, 'project'),
    outputs: join(own, 'project', 'outputs'),
    pipe: flags.pipe ?? join(here, '..', 'packages', 'cli', 'bin', 'pipe.mjs'),
  }
  for (const name of globSync('{naive,duckdb}/*.ts', { cwd: here })) {
    const target = join(made.programs, name.replace(/\.ts$/, '.js'))
    mkdirSync(dirname(target), { recursive: true })
    const source = readFileSync(join(here, name), 'utf8').replace(/(from '\.[^']*)\.ts'/g, "$1.js'")
    writeFileSync(target, transformSync(source, { loader: 'ts', format: 'esm', target: 'node24' }).code)
  }
  // The loop uses our reader, which is bundled into it, as in `pipe`.
  const outfile = join(made.programs, 'sqlite-loop/loop.js')
  const entryPoints = [join(here, 'sqlite-loop/loop.ts')]
  const banner = { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" }
  buildSync({
    entryPoints,
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    conditions: ['@millrace/source'],
    banner,
    logLevel: 'error',
  })
  writeFileSync(join(made.programs, 'package.json'), '{ "type": "module" }')
  cpSync(join(here, 'specs'), made.project, { recursive: true })
  mkdirSync(made.outputs, { recursive: true })
  return made
}

async function runJob(job: Job, inputs: Inputs): Promise<void> {
  const contestants: Contestant[] = ['millrace', ...job.gates.map((gate) => gate.against)]
  const once = (contestant: Contestant): Promise<Cost> => {
    clear(job, contestant)
    return measure(programOf(places, job, contestant, inputOf(inputs, job, contestant)))
  }
  for (const contestant of contestants) await once(contestant)
  for (const other of contestants.slice(1)) {
    const [ours, theirs] = [outputOf(places, job, 'millrace'), outputOf(places, job, other)]
    if (job.results) await sameResults(ours, theirs)
    else if (job.output === 'sqlite') sameStores(join(ours, 'store.db'), theirs, inputs.rows)
    else await sameFiles(ours, theirs, job.output, inputs.rows)
  }

  const costs = new Map(contestants.map((contestant) => [contestant, [] as Cost[]]))
  for (let round = 0; round < runs; round++)
    for (const contestant of contestants) costs.get(contestant)!.push(await once(contestant))
  for (const contestant of contestants) clear(job, contestant)

  const middle = (contestant: Contestant, part: keyof Cost) => median(costs.get(contestant)!.map((cost) => cost[part]))
  say(`\n${job.title}: outputs equal`)
  say('              CPU s  (least - most)   wall s   peak MB')
  for (const contestant of contestants) {
    const cpu = costs.get(contestant)!.map((cost) => cost.cpu)
    const range = `(${Math.min(...cpu).toFixed(2)} - ${Math.max(...cpu).toFixed(2)})`
    const peak = (middle(contestant, 'peakBytes') / 1e6).toFixed(0)
    say(
      `  ${contestant.padEnd(9)} ${median(cpu).toFixed(2).padStart(7)}  ${range.padEnd(15)} ${middle(contestant, 'wall').toFixed(2).padStart(7)} ${peak.padStart(9)}`,
    )
  }
  results[job.id] = Object.fromEntries(costs)
  for (const { against, is, factor } of job.gates) {
    const [ours, theirs] = [middle('millrace', 'cpu'), middle(against, 'cpu')]
    const ratio = is === 'ahead' ? theirs / ours : ours / theirs
    const told =
      is === 'ahead' ? `${ratio.toFixed(2)}x less CPU than ${against}` : `${ratio.toFixed(2)}x the CPU of ${against}`
    if (factor === undefined) say(`  ${told} (no gate)`)
    else
      judge(
        `${job.id}: ${told}, ${is === 'ahead' ? 'at least' : 'at most'} ${factor}x`,
        is === 'ahead' ? ratio >= factor : ratio <= factor,
      )
  }
  if (job.peakMb)
    judge(
      `${job.id}: peak ${(middle('millrace', 'peakBytes') / 1e6).toFixed(0)} MB, under ${job.peakMb} MB`,
      middle('millrace', 'peakBytes') < job.peakMb * 1e6,
    )
}

/** Ten rows from start to end, and a check, against Node doing nothing. */
function measureStart(inputs: Inputs): void {
  const job = jobs[0]!
  const env = { BENCH_INPUT: inputs.tenRows, BENCH_OUTPUT: outputOf(places, job, 'millrace') }
  const programs = {
    nothing: { args: ['-e', '0'] },
    check: pipe(places, ['check', job.id], env),
    'ten rows': pipe(places, ['run', job.id], env),
  }
  const took: Record<keyof typeof programs, number[]> = { nothing: [], check: [], 'ten rows': [] }
  const rounds = flags.quick ? 1 : 15
  for (let round = 0; round <= rounds; round++) {
    for (const name of Object.keys(programs) as (keyof typeof programs)[]) {
      clear(job, 'millrace')
      const ms = wallMs(programs[name])
      if (round > 0) took[name].push(ms)
    }
  }
  const nothing = median(took.nothing)
  say(
    `\nStart, wall ms (median of ${rounds}): node -e 0 ${nothing.toFixed(0)}, pipe check ${median(took.check).toFixed(0)}, pipe run of ten rows ${median(took['ten rows']).toFixed(0)}`,
  )
  results['start'] = took
  for (const [name, factor] of [
    ['check', 6],
    ['ten rows', 8],
  ] as const) {
    const ratio = median(took[name]) / nothing
    judge(`start: ${name} takes ${ratio.toFixed(1)}x the time of node -e 0, at most ${factor}x`, ratio <= factor)
  }
}

/** Ten times the rows must take no more than 10 % or 30 MB of additional memory. */
async function measureMemory(inputs: Inputs): Promise<void> {
  say('\nMemory, peak MB (median)     once   tenfold')
  const csv = await tenfold(inputs.csv)
  const jsonl = await tenfoldLines(inputs.jsonl)
  for (const job of jobs) {
    const peak = async (input: string) => {
      const peaks: number[] = []
      for (let round = 0; round < runs; round++) {
        clear(job, 'millrace')
        peaks.push((await measure(programOf(places, job, 'millrace', input))).peakBytes / 1e6)
      }
      return median(peaks)
    }
    const once = await peak(inputs[job.input])
    const ten = await peak(job.input === 'csv' ? csv : jsonl)
    clear(job, 'millrace')
    say(`  ${job.id.padEnd(24)} ${once.toFixed(0).padStart(6)} ${ten.toFixed(0).padStart(9)}`)
    results[`memory ${job.id}`] = { once, ten }
    judge(
      `memory: ${job.id} tenfold takes ${(ten - once).toFixed(0)} MB more, at most 10 % or 30 MB`,
      ten <= once * 1.1 || ten <= once + 30,
    )
  }
}

/** Nothing from an earlier run may help or hinder. */
function clear(job: Job, contestant: Contestant): void {
  const output = outputOf(places, job, contestant)
  for (const path of [output, `${output}-wal`, `${output}-shm`, `${output}-dead-letter`])
    rmSync(path, { recursive: true, force: true })
  if (contestant === 'millrace') rmSync(join(places.project, '.millrace'), { recursive: true, force: true })
}

function judge(what: string, passed: boolean): void {
  verdicts.push({ what, passed })
  say(`  ${what}${flags.quick ? '' : passed ? ': passed' : ': MISSED'}`)
}
