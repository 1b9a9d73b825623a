/** Runs the cases of a test file, and rewrites what they expect. */
import { writeFileSync } from 'node:fs'
import {
  bindCase,
  type Case,
  type CaseResult,
  type Finding,
  readTestFile,
  runCase,
  type TestFile,
  updateTestFile,
} from '@millrace/core'
import type { Io } from './io.ts'
import { checkSpecs } from './spec.ts'

/** A case and how it ended. */
export interface CaseRun {
  readonly case: Case
  readonly result: CaseResult
}

/** A test file and its cases. */
export interface FileResult {
  readonly test: TestFile
  readonly root: string
  /** Of the test file, and errors of the spec. */
  readonly findings: readonly Finding[]
  readonly isWrong: boolean
  readonly cases: readonly CaseRun[]
}

/** The flags of the command that matter here; they take precedence over the file. */
export interface TestFlags {
  readonly only: string | undefined
  readonly profile: string | undefined
  readonly set: readonly string[]
}

/**
 * Runs the cases of a file one after the other. Cases with findings are left out, and those that come after
 * the stop. */
export async function runTestFile(path: string, flags: TestFlags, io: Io, stop: AbortSignal): Promise<FileResult> {
  const test = await readTestFile(path)
  const findings: Finding[] = [...test.findings]
  const cases: CaseRun[] = []
  const ended = (): FileResult => ({
    test,
    root: test.root,
    findings,
    isWrong: findings.some(({ severity }) => severity === 'error'),
    cases,
  })
  if (ended().isWrong) return ended()
  const [checked] = await checkSpecs(
    [test.spec],
    {
      profile: flags.profile ?? test.profile,
      set: [...Object.entries(test.vars).map(([name, value]) => `${name}=${value}`), ...flags.set],
      'secrets-dir': undefined,
      'state-dir': undefined,
      json: false,
    },
    { ...io, env: environment(test) },
    { push: false },
  )
  findings.push(...checked!.findings.filter(({ severity }) => severity === 'error'))
  const { plan, registry } = checked!
  if (!plan) return ended()
  for (const one of test.cases.filter(({ name }) => name.includes(flags.only ?? ''))) {
    if (stop.aborted) break
    const { findings: own, bound } = bindCase(test, one, plan, registry)
    findings.push(...own)
    if (bound) cases.push({ case: one, result: await runCase(bound) })
  }
  return ended()
}

/** The variables that the file gives. Connectors that need secrets are replaced, so every secret has some value. */
const environment = ({ env }: TestFile): Record<string, string | undefined> =>
  new Proxy<Record<string, string | undefined>>(
    {},
    { get: (_, name) => (String(name).startsWith('MILLRACE_SECRET_') ? 'secret' : env[String(name)]) },
  )

/** Writes what came out of failing cases into their file. Returns how many were changed. */
export function updateFile({ test, cases }: FileResult): number {
  const failing = cases.filter(({ result }) => result.isOpen || result.isErrorWrong || result.differences.length > 0)
  const text = updateTestFile(test, failing)
  if (text === test.file.text) return 0
  writeFileSync(test.path, text)
  return failing.length
}
