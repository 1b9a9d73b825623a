/** The spec files, and their test files, that the words on the command line refer to. */
import { existsSync, statSync } from 'node:fs'
import { basename, join, relative, resolve } from 'node:path'
import { isTestFile, pipelineFiles, yamlFiles } from '@millrace/core'
import { usageError } from './command.ts'
import type { Io } from './io.ts'
import { findRoot } from './project.ts'

/**
 * The spec files for the arguments: files, folders with a pipeline.yaml, or names of pipelines. Without any, all
 * pipelines of the project.
 */
export function specsOf(args: readonly string[], io: Io): string[] {
  if (args.length > 0) {
    // A shell's `*.yaml` also names the tests beside the specs.
    const specs = args.filter((arg) => !isTestFile(arg))
    return (specs.length > 0 ? specs : args).map((arg) => findSpec(arg, io))
  }
  const found = pipelines(io)
  if (found.length === 0) throw noPipeline()
  return found
}

/** The spec for an argument; without one, the only pipeline of the project. */
export function oneSpec(arg: string | undefined, io: Io): string {
  if (arg !== undefined) return findSpec(arg, io)
  const found = pipelines(io)
  if (found.length === 1) return found[0]!
  if (found.length === 0) throw noPipeline()
  throw usageError('This project has several pipelines.', `Name one: ${found.map(nameOf).join(', ')}`)
}

/**
 * The test files for the arguments: test files, or specs whose test file is beside them. Without any, all test files of
 * the project.
 */
export function testFilesOf(args: readonly string[], io: Io): string[] {
  if (args.length > 0) return [...new Set(args.map((arg) => findTestFile(arg, io)))]
  const root = findRoot(io.cwd)
  const found = yamlFiles(root, true, isTestFile).filter(
    (path) => !/(^|[\\/])(node_modules|\.[^\\/]+)[\\/]/.test(relative(root, path)),
  )
  if (found.length === 0)
    throw usageError('There are no test files here.', 'Make one from real records: pipe test --create SPEC')
  return found.toSorted()
}

function findTestFile(arg: string, io: Io): string {
  if (isTestFile(arg)) return resolve(io.cwd, arg)
  const spec = findSpec(arg, io)
  const path = testFileOf(spec)
  if (existsSync(path) || !existsSync(spec)) return path
  throw usageError(
    `There is no ${relative(io.cwd, path)} beside ${relative(io.cwd, spec)}.`,
    `Make one from real records: pipe test --create ${arg}`,
  )
}

/** The test file of a spec, whether it exists or not. */
export const testFileOf = (spec: string): string => spec.replace(/\.(ya?ml)$/, '.test.$1')

function findSpec(arg: string, io: Io): string {
  if (isTestFile(arg)) throw usageError(`${arg} is a test file, not a spec.`, `Run it with \`pipe test ${arg}\`.`)
  const path = resolve(io.cwd, arg)
  if (existsSync(path)) return statSync(path).isDirectory() ? join(path, 'pipeline.yaml') : path
  // A missing file is reported by the check, as a finding.
  if (/\.ya?ml$/.test(arg)) return path
  const found = pipelines(io)
  const named = found.find((each) => nameOf(each) === arg)
  if (named) return named
  const known = found.map((each) => relative(io.cwd, each)).join(', ')
  throw usageError(
    `There is no spec \`${arg}\`: it is neither a file nor a pipeline of this project.`,
    `Pipelines here: ${known || 'none'}.`,
  )
}

// Without any, a single pipeline.yaml.
function pipelines(io: Io): string[] {
  const found = pipelineFiles(findRoot(io.cwd))
  if (found.length > 0) return found
  return ['pipeline.yaml', 'pipeline.yml'].map((name) => join(io.cwd, name)).filter((path) => existsSync(path))
}

const nameOf = (path: string): string => basename(path).replace(/\.ya?ml$/, '')

const noPipeline = () =>
  usageError('There is no pipeline here.', 'Name a spec file, or create a project with `pipe init`.')
