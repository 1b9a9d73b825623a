/**
 * Runs a flow to its end in a folder that is a copy of its project, so its state, its samples and its outputs lie there
 * too.
 */
import { cpSync, existsSync, globSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import type { Counters } from '@millrace/core'
import { freePort } from '@millrace/testkit'
import { pipe, root } from '../pipe.ts'
import { addUp, type Balance } from './balance.ts'
import type { Flow } from './flows.ts'
import { makePlaces, serverEnvironment } from './servers.ts'

export interface FlowOptions {
  readonly profile: string
  /** Input files in the order of the flow's inputs; none: generated samples. */
  readonly inputs: readonly string[]
  /** Default: a fresh temporary folder. A folder used before resumes where it was left. */
  readonly out?: string | undefined
  /** Additional vars. */
  readonly set?: Readonly<Record<string, string>>
  /** Progress goes to this process's standard error. */
  readonly show?: boolean
  readonly env?: NodeJS.ProcessEnv
  /** After how many ms a flow that has not ended is stopped; default: never. */
  readonly stopAfterMs?: number
}

/** What one pipeline of a flow did in this run, as reported by `pipe run --json`. */
export interface PipelineSummary {
  readonly pipeline: string
  readonly durationMs: number
  readonly ended: boolean
  readonly caughtUp: boolean
  readonly balances: boolean
  readonly counters: Counters
}

export interface FlowRun {
  readonly flow: string
  readonly profile: string
  readonly folder: string
  /** The folder contained no state for this profile. */
  readonly fresh: boolean
  readonly durationMs: number
  readonly pipelines: readonly PipelineSummary[]
  readonly balance: Balance
}

/** Runs the flow. Throws with the output of a command that fails. */
export async function runFlow(name: string, flow: Flow, options: FlowOptions): Promise<FlowRun> {
  const startedMs = performance.now()
  const { profile } = options
  const folder = options.out === undefined ? mkdtempSync(join(tmpdir(), `millrace-${name}-`)) : resolve(options.out)
  const home = join(folder, '.millrace', profile)
  const fresh = !existsSync(home)
  copyProject(flow, folder)
  const inputs = inputVars(flow, options.inputs, folder)
  const env = { ...(await serverEnvironment(profile)), ...options.env }
  await makePlaces(profile, flow.buckets, env)
  const command = async (words: readonly string[]): Promise<string> => {
    const { code, out, err } = await pipe([...words, '--profile', profile, '--json'], {
      cwd: folder,
      env,
      ...(options.show ? { showErrors: true } : {}),
      ...(options.stopAfterMs ? { stopAfterMs: options.stopAfterMs } : {}),
    })
    if (code !== 0) throw new Error(`pipe ${words.join(' ')} ended with ${code}\n${out}${err}`)
    return out
  }
  const address: Record<string, string> = flow.posts.length > 0 ? { address: `127.0.0.1:${await freePort()}` } : {}
  const set = setting({ ...inputs, ...address, ...options.set })
  const printed = JSON.parse(await command(['run', ...flow.specs, '--until', 'caught_up', ...set])) as
    | PipelineSummary
    | PipelineSummary[]
  const pipelines = Array.isArray(printed) ? printed : [printed]
  if (pipelines.some((p) => !p.ended && !p.caughtUp))
    throw new Error(`the flow was stopped before its end:\n${JSON.stringify(pipelines, undefined, 2)}`)
  const since = [...pipelines]
  for (const report of flow.reports) {
    const vars = setting(flow.reportVars ?? {})
    since.push(JSON.parse(await command(['run', report, ...vars])) as PipelineSummary)
  }
  const documents = new Map<string, number>()
  for (const { name: collection, spec } of flow.collections) {
    const [counted] = JSON.parse(
      await command(['query', 'store', collection, '--spec', spec, '--outputs', 'documents=count()', '--scan']),
    ) as { documents: number }[]
    documents.set(collection, counted?.documents ?? 0)
  }
  const balance = addUp(flow, since, documents, fresh && profile === 'local')
  return { flow: name, profile, folder, fresh, durationMs: performance.now() - startedMs, pipelines: since, balance }
}

/** Vars as flags of the command. */
const setting = (vars: Readonly<Record<string, string>>): string[] =>
  Object.entries(vars).flatMap(([key, value]) => ['--set', `${key}=${value}`])

/**
 * Copies the specs, schemas and profiles of a flow into a separate folder. Packages are resolved as from the
 * repository.
 */
export function copyProject(flow: Flow, folder: string): void {
  mkdirSync(folder, { recursive: true })
  const from = join(root, 'pipelines', flow.folder)
  const specs = globSync('*.yaml', { cwd: from }).filter((path) => !path.endsWith('.test.yaml'))
  for (const path of ['schemas', 'profiles', 'pages', ...specs])
    cpSync(join(from, path), join(folder, path), { recursive: true })
  if (!existsSync(join(folder, 'node_modules'))) symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
}

function inputVars(flow: Flow, given: readonly string[], folder: string): Record<string, string> {
  if (given.length > flow.inputs.length)
    throw new Error(
      `This flow takes ${flow.inputs.length} input files: ${flow.inputs.map((input) => input.name).join(', ')}.`,
    )
  const missing = flow.inputs.slice(given.length)
  const sample = missing.length ? flow.sample() : {}
  for (const { file } of missing) {
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    writeFileSync(join(folder, file), sample[file]!)
  }
  return Object.fromEntries(
    flow.inputs.map(({ name, file }, i) => [name, given[i] === undefined ? file : resolve(given[i])]),
  )
}
