/** From what the user typed to a checked plan: finds the spec, reads the project, loads what the spec names, checks. */
import { existsSync, globSync, statSync } from 'node:fs'
import { basename, join, relative, resolve } from 'node:path'
import {
  check,
  type Finding,
  loadRegistry,
  type Plan,
  type Project,
  readProject,
  readSecrets,
  type Registry,
  type Secrets,
  secretNames,
  wantedBy,
} from '@millrace/core'
import { builtins } from './builtins.ts'
import { type Given, usageError } from './command.ts'
import type { Io } from './io.ts'
import { printFindings } from './print/finding.ts'
import { findRoot, homeOf, textOf } from './project.ts'
import type { specFlags } from './spec-flags.ts'

type SpecFlags = Omit<Given<typeof specFlags>['flags'], 'json'> & { readonly json?: boolean }

/** A spec after its check. `plan` is there when no finding is an error. */
export interface Checked {
  readonly project: Project
  readonly registry: Registry
  readonly findings: readonly Finding[]
  readonly plan?: Plan
}

/** A plan and what a run of it needs. */
export interface Opened {
  readonly plan: Plan
  readonly registry: Registry
  readonly around: { readonly root: string; readonly home: string; readonly secrets: Secrets }
}

/** Spec files of the arguments; without any, all pipelines of the project. */
export function specsOf(args: readonly string[], io: Io): string[] {
  if (args.length > 0) return args.map((arg) => findSpec(arg, io))
  const found = pipelines(io)
  if (found.length === 0) throw usageError('There is no pipeline here.', 'Name a spec file, or make a project with `pipe init`.')
  return found
}

/** The spec of an argument; without one, the only pipeline of the project. */
export function oneSpec(arg: string | undefined, io: Io): string {
  if (arg !== undefined) return findSpec(arg, io)
  const found = pipelines(io)
  if (found.length === 1) return found[0]!
  const names = found.map((path) => basename(path).replace(/\.ya?ml$/, ''))
  throw usageError(
    found.length ? 'This project has several pipelines.' : 'There is no pipeline here.',
    found.length ? `Name one: ${names.join(', ')}` : 'Name a spec file, or make a project with `pipe init`.',
  )
}

// `pipelines/*.yaml` of the project, or a lone pipeline.yaml in this folder. Tests (`*.test.yaml`) are no specs.
function pipelines(io: Io): string[] {
  const root = findRoot(io.cwd)
  const found = globSync('pipelines/**/*.{yaml,yml}', { cwd: root }).filter((path) => !/\.test\.ya?ml$/.test(path))
  if (found.length > 0) return found.map((path) => join(root, path)).toSorted()
  return ['pipeline.yaml', 'pipeline.yml'].map((name) => join(io.cwd, name)).filter((path) => existsSync(path))
}

function findSpec(arg: string, io: Io): string {
  const direct = resolve(io.cwd, arg)
  if (existsSync(direct) && statSync(direct).isDirectory()) {
    const inside = join(direct, 'pipeline.yaml')
    if (existsSync(inside)) return inside
  }
  if (/\.ya?ml$/.test(arg) || existsSync(direct)) return direct
  const named = pipelines(io).find((path) => basename(path).replace(/\.ya?ml$/, '') === arg)
  if (named) return named
  throw usageError(
    `There is no spec \`${arg}\`: neither a file nor a pipeline of this project.`,
    `Pipelines here: ${
      pipelines(io)
        .map((path) => relative(io.cwd, path))
        .join(', ') || 'none'
    }.`,
  )
}

/** Reads and checks one spec; prints nothing. `push: false` leaves every step to itself, so that each shows its own effect. */
export async function checkSpec(spec: string, flags: SpecFlags, io: Io, how: { readonly push?: boolean } = {}): Promise<Checked> {
  const project = await readProject({
    spec,
    profile: flags.profile,
    set: varsOf(flags.set),
    env: io.env,
    secretsDir: flags['secrets-dir'] === undefined ? undefined : resolve(io.cwd, flags['secrets-dir']),
  })
  const registry = await loadRegistry({ root: project.root, builtins, wanted: wantedBy(project) })
  return { project, registry, ...check(project, registry, how) }
}

/** The plan of a spec, ready to run; undefined when it is wrong, which is printed. Warnings are printed too, unless the output is for programs. */
export async function openPlan(spec: string, flags: SpecFlags, io: Io, how: { readonly push?: boolean } = {}): Promise<Opened | undefined> {
  const { project, registry, findings, plan } = await checkSpec(spec, flags, io, how)
  if (findings.length > 0 && !(flags.json && plan)) printFindings(findings, flags.json ? 'json' : 'text', io, (file) => textOf(project.root, file))
  if (!plan) return undefined
  const values = await readSecrets(secretNames(plan), io.env, flags['secrets-dir'] === undefined ? undefined : resolve(io.cwd, flags['secrets-dir']))
  return { plan, registry, around: { root: project.root, home: homeOf(project.root, plan.profile), secrets: (name) => values.get(name) } }
}

function varsOf(set: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    set.map((pair) => {
      const at = pair.indexOf('=')
      if (at < 1) throw usageError(`--set takes VAR=VALUE, not \`${pair}\`.`)
      return [pair.slice(0, at), pair.slice(at + 1)]
    }),
  )
}
