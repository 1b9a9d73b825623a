/** The real command in a process of its own, killed by SIGKILL. */
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { Case } from '../case.ts'
import { type Ended, type Engine, Hang, patienceMs } from './engine.ts'

/** Bundles the command, so that it starts in a tenth of a second. Returns its entry. */
export async function bundleCommand(folder: string): Promise<string> {
  const withLibraries = ['source-http', 'source-kafka', 'sink-kafka', 'source-mongodb', 'sink-mongodb']
  await build({
    entryPoints: { pipe: fileURLToPath(new URL('../../../../cli/src/main.ts', import.meta.url)) },
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    conditions: ['@millrace/source'],
    external: withLibraries.map((name) => `@millrace/${name}`),
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  })
  return join(folder, 'pipe.mjs')
}

/** Runs `pipe run` in the project at `root`. */
export function engineOfCommand(graph: Case, root: string, pipe: string): Engine {
  const until = graph.runs === 'continue' ? ['--until', 'caught_up'] : []
  return {
    async start({ death }) {
      const env = {
        ...process.env,
        NODE_OPTIONS: '',
        ...(death ? { MILLRACE_CRASH_AT: `${death.point}:${death.time}` } : {}),
      }
      const args = ['--no-warnings', pipe, 'run', 'job.yaml', '--json', ...until]
      const child = spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
      let isLate = false
      const timer = setTimeout(() => (isLate = child.kill('SIGKILL')), patienceMs)
      const ended = new Promise<NodeJS.Signals | null>((resolve) => child.on('close', (_, signal) => resolve(signal)))
      const [output, errors, signal] = await Promise.all([text(child.stdout), text(child.stderr), ended])
      clearTimeout(timer)
      if (isLate) throw new Hang(`the command has not ended after ${patienceMs / 1000} s`)
      return signal === 'SIGKILL' ? { died: true, passed: new Map() } : endedOf(output, errors)
    },
    reader: {
      files: (folder) => (existsSync(folder) ? filesBelow(folder) : []),
      read: (path) => readFileSync(path),
    },
    remove: async (path) => rmSync(path),
  }
}

const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .sort()

/** What the command said: a summary, or an error. */
function endedOf(output: string, errors: string): Ended {
  const passed = new Map<string, number>()
  try {
    const said = JSON.parse(output) as { error?: NonNullable<Ended['error']>; imbalances?: readonly string[] }
    if (said.error) return { died: false, passed, error: { ...said.error } }
    return { died: false, passed, summary: { counters: [], imbalances: said.imbalances ?? [] } }
  } catch {
    const message = `the command said: ${output}${errors}`.slice(0, 500)
    return { died: false, passed, error: { code: 'unreadable', message, place: undefined, exitCode: 1 } }
  }
}
