/** Runs a case by the real command in a child process, which is killed by SIGKILL. */
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { ReplaySummary } from '@millrace/core'
import type { Case } from '../case.ts'
import { pipeline } from '../project/spec.ts'
import type { Kill } from './process.ts'
import { Hang, type LetterRunner, type RunEnd, timeoutMs } from './runner.ts'

/**
 * Bundles the command, which makes it start several times faster than its sources, and returns the path of its entry.
 */
export async function bundleCommand(folder: string): Promise<string> {
  const unused = ['source-http', 'source-kafka', 'sink-kafka', 'source-mongodb', 'sink-mongodb']
  await build({
    entryPoints: { pipe: fileURLToPath(new URL('../../../../cli/src/main.ts', import.meta.url)) },
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    conditions: ['@millrace/source'],
    external: unused.map((name) => `@millrace/${name}`),
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  })
  return join(folder, 'pipe.mjs')
}

export interface Command extends LetterRunner {
  /** Runs `pipe run` as one of several instances, `0/2`. */
  startInstance(instance: string): Promise<RunEnd>
  /** Moves the saved state to another number of instances. */
  rescale(to: number, kill?: Kill): Promise<RunEnd>
}

/** Runs `pipe` in the project at `root`. Outages and shifts only apply to simulated processes. */
export function commandRunner(firstGraph: Case, root: string, pipe: string): Command {
  let graph = firstGraph
  const call = async (args: readonly string[], kill: Kill | undefined): Promise<RunEnd & { printed?: unknown }> => {
    const crashAt = kill ? { MILLRACE_CRASH_AT: `${kill.point}:${kill.time}` } : {}
    const child = spawn(process.execPath, ['--no-warnings', pipe, ...args, '--json'], {
      cwd: root,
      env: { ...process.env, NODE_OPTIONS: '', ...crashAt },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let timedOut = false
    const timer = setTimeout(() => (timedOut = child.kill('SIGKILL')), timeoutMs)
    const closed = new Promise<NodeJS.Signals | null>((resolve) => child.on('close', (_, signal) => resolve(signal)))
    const [output, errors, signal] = await Promise.all([text(child.stdout), text(child.stderr), closed])
    clearTimeout(timer)
    if (timedOut) throw new Hang(`pipe ${args.join(' ')} has not ended after ${timeoutMs / 1000} s`)
    return signal === 'SIGKILL' ? { killed: true, passed: new Map() } : parseEnd(output, errors)
  }
  const run = (kill: Kill | undefined, ...args: readonly string[]) =>
    call(['run', 'job.yaml', ...args, ...(graph.runs === 'continue' ? ['--until', 'caught_up'] : [])], kill)
  const replay: Command['replay'] = async (letters, { kill }) => {
    writeFileSync(join(root, lettersFile), letters.map((letter) => `${JSON.stringify(letter)}\n`).join(''))
    const { printed, ...end } = await call(['dead-letter', 'replay', 'job.yaml', '--from', lettersFile], kill)
    return end.killed || end.error ? end : { ...end, replayed: printed as ReplaySummary }
  }
  return {
    use: (next) => (graph = next),
    start: ({ kill }) => run(kill),
    startInstance: (instance) => run(undefined, '--instance', instance),
    rescale: (to, kill) => call(['state', 'rescale', pipeline, '--to', String(to)], kill),
    replay,
    runLetters: (letters) => replay(letters, { outage: false, shift: 0 }),
    reader: {
      files: (folder) => (existsSync(folder) ? filesBelow(folder) : []),
      read: (path) => readFileSync(path),
    },
    remove: async (path) => rmSync(path),
  }
}

const lettersFile = 'letters.jsonl'

const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .sort()

/** Reads the summary or the error that the command printed as JSON. */
function parseEnd(output: string, errors: string): RunEnd & { printed?: unknown } {
  const passed = new Map<string, number>()
  try {
    const printed = JSON.parse(output) as { error?: NonNullable<RunEnd['error']>; imbalances?: readonly string[] }
    if (printed.error) return { killed: false, passed, error: printed.error }
    return { killed: false, passed, printed, summary: { counters: [], imbalances: printed.imbalances ?? [] } }
  } catch {
    const message = `unexpected output: ${output}${errors}`.slice(0, 500)
    return { killed: false, passed, error: { code: 'unreadable', message, place: undefined, exitCode: 1 } }
  }
}
