/** From spec files to checked plans: reads the projects, loads what the specs name, checks. */
import { resolve } from 'node:path'
import {
  check,
  type Finding,
  type Plan,
  type Project,
  type ProjectOptions,
  readProject,
  readSecrets,
  type Registry,
  type Secrets,
  hideSecrets,
  secretNames,
  wantedBy,
} from '@millrace/core'
import { loadConnectors } from './builtins.ts'
import { type Given, usageError } from './command.ts'
import type { Io } from './io.ts'
import { printFindings } from './print/finding.ts'
import { homeOf, stateHome, textOf } from './project.ts'
import type { specFlags } from './spec-flags.ts'

/** The flags of a command about specs. */
export type SpecFlags = Given<typeof specFlags>['flags']

/** `push: false`: no pushdown, so that each step shows its own effect. */
export interface Planning {
  readonly push?: boolean
  /** Texts to read instead of the files on disk; see `ProjectOptions.texts`. */
  readonly texts?: ProjectOptions['texts']
}

/** A checked spec. `plan` is present if no finding is an error. */
export interface Checked {
  readonly project: Project
  readonly registry: Registry
  readonly findings: readonly Finding[]
  readonly plan?: Plan
}

/** A plan, and what is needed to run it. */
export interface Opened {
  readonly project: Project
  readonly plan: Plan
  readonly registry: Registry
  readonly workspace: {
    readonly root: string
    readonly home: string
    readonly stateDir: string
    readonly secrets: Secrets
  }
}

/** Reads and checks specs; prints nothing. Those of one project share their connectors. */
export async function checkSpecs(
  specs: readonly string[],
  flags: SpecFlags,
  io: Io,
  how: Planning = {},
): Promise<Checked[]> {
  const options = {
    profile: flags.profile,
    set: varsOf(flags.set),
    env: io.env,
    secretsDir: secretsDir(flags, io),
    texts: how.texts,
  }
  const projects = await readProjects(specs, options)
  const registries = new Map<string, Registry>()
  for (const [root, own] of Map.groupBy(projects, (project) => project.root)) {
    registries.set(root, await loadConnectors(root, own.flatMap(wantedBy)))
  }
  return projects.map((project) => {
    const registry = registries.get(project.root)!
    return { project, registry, ...check(project, registry, how) }
  })
}

// With several specs, a var is set in those that declare it; one that none declares is a finding of each.
async function readProjects(specs: readonly string[], options: Omit<ProjectOptions, 'spec'>): Promise<Project[]> {
  const projects = await Promise.all(specs.map((spec) => readProject({ spec, ...options })))
  const declared = new Set(projects.flatMap(({ values }) => [...values.vars.keys()]))
  return Promise.all(
    projects.map(async (project, i) => {
      const given = Object.entries(options.set ?? {})
      const set = Object.fromEntries(given.filter(([name]) => project.values.vars.has(name) || !declared.has(name)))
      return Object.keys(set).length === given.length ? project : readProject({ spec: specs[i]!, ...options, set })
    }),
  )
}

/** The flags for one of several specs alone: with the vars that it declares. */
export const flagsFor = (flags: SpecFlags, { values }: Project): SpecFlags => ({
  ...flags,
  set: flags.set.filter((text) => values.vars.has(text.split('=', 1)[0]!)),
})

/**
 * The plans of specs, ready to run; undefined if one has errors. Findings are printed, but no warnings if the output is
 * for programs. Throws a `usage` error if the specs belong to several projects.
 */
export async function openPlans(
  specs: readonly string[],
  flags: SpecFlags,
  io: Io,
  how: Planning = {},
): Promise<Opened[] | undefined> {
  const checked = await checkSpecs(specs, flags, io, how)
  const { root } = checked[0]!.project
  if (checked.some(({ project }) => project.root !== root))
    throw usageError('These specs belong to several projects.', 'Name specs of one project at a time.')
  const findings = checked.flatMap((each) => each.findings)
  const plans = checked.flatMap(({ plan }) => plan ?? [])
  const isRight = plans.length === specs.length
  if (findings.length > 0 && !(flags.json && isRight))
    printFindings(findings, flags.json ? 'json' : 'text', io, (file) => textOf(root, file))
  if (!isRight) return undefined
  const workspaces = await workspacesOf(root, plans, flags, io)
  return checked.map(({ project, registry, plan }) => ({
    project,
    plan: plan!,
    registry,
    workspace: workspaces(plan!),
  }))
}

/** What plans of one project are run with. */
export async function workspacesOf(
  root: string,
  plans: readonly Plan[],
  flags: SpecFlags,
  io: Io,
): Promise<(plan: Plan) => Opened['workspace']> {
  const values = await readSecrets(secretNames(plans), io.env, secretsDir(flags, io))
  hideSecrets(values.values())
  const secrets: Secrets = (name) => values.get(name)
  const stateDirs = new Map<string, string>()
  for (const { profile } of plans) stateDirs.set(profile, await stateHome(root, profile, flags, io.cwd))
  return ({ profile }) => ({ root, home: homeOf(root, profile), stateDir: stateDirs.get(profile)!, secrets })
}

/** The plan of one spec. */
export const openPlan = async (spec: string, flags: SpecFlags, io: Io, how?: Planning): Promise<Opened | undefined> =>
  (await openPlans([spec], flags, io, how))?.[0]

const secretsDir = (flags: SpecFlags, io: Io): string | undefined =>
  flags['secrets-dir'] === undefined ? undefined : resolve(io.cwd, flags['secrets-dir'])

function varsOf(set: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    set.map((pair) => {
      const at = pair.indexOf('=')
      if (at < 1) throw usageError(`--set takes VAR=VALUE, not \`${pair}\`.`)
      return [pair.slice(0, at), pair.slice(at + 1)]
    }),
  )
}
