import { existsSync, writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import { newTestFile, preview } from '@millrace/core'
import { defineCommand, usageError } from '../command.ts'
import { oneSpec, testFileOf, testFilesOf } from '../find-spec.ts'
import type { Io } from '../io.ts'
import { wholeNumber } from '../number.ts'
import { printFindings } from '../print/finding.ts'
import { caseJson, caseText } from '../print/test.ts'
import { textOf } from '../project.ts'
import { openPlan } from '../spec.ts'
import { specFlags } from '../spec-flags.ts'
import { type FileResult, runTestFile, updateFile } from '../test-file.ts'

const { profile, set, 'secrets-dir': secretsDir, json } = specFlags

export default defineCommand({
  name: 'test',
  summary:
    'Run the tests of specs, NAME.test.yaml beside NAME.yaml: given records go in, and what comes out is compared. No system is touched.',
  details:
    'Check, plan, engine and steps are the real ones; sources and sinks are in memory, and time is virtual.\nExit code 0: all passed; 1: a case failed; 2: a test file or a spec is wrong.',
  args: [['[FILE...]', 'Test files, specs or pipeline names; default: all test files of the project.']],
  flags: {
    only: { type: 'text', value: 'NAME', description: 'Run the cases whose names contain this.' },
    update: { type: 'boolean', description: 'Rewrite what failing cases expect with what came out.' },
    create: {
      type: 'text',
      value: 'SPEC',
      description: "Make the spec's test file from the first records of its real sources, and what comes out of them.",
    },
    records: { type: 'text', value: 'N', description: 'With --create: records of each source; default 5.' },
    profile: { ...profile, description: 'Bind connections as in profiles/NAME.yaml; default: as the test file says.' },
    set,
    'secrets-dir': secretsDir,
    json: { ...json, description: 'Print one JSON object per case, each on a line.' },
  },
  examples: [
    ['pipe test', 'Every test file of this project.'],
    ['pipe test orders --only late', 'The cases of one spec that have "late" in their names.'],
    ['pipe test orders --update', 'Accept what comes out now; review it with `git diff`.'],
    ['pipe test --create pipelines/orders.yaml', 'A first test file, from real records.'],
  ],
  async run({ flags, args }, io) {
    if (flags.create !== undefined && args.length > 0)
      throw usageError('--create names the spec: give no other arguments.')
    const stop = io.stopSignal()
    const created = flags.create === undefined ? undefined : await create(flags.create, flags, io, stop)
    if (flags.create !== undefined && created === undefined) return 2
    const files = created === undefined ? testFilesOf(args, io) : [created]
    const isUpdate = flags.update || created !== undefined
    const results: FileResult[] = []
    for (const file of files) {
      let result = await runTestFile(file, flags, io, stop)
      const updated = isUpdate ? updateFile(result) : 0
      if (updated > 0) result = await runTestFile(file, flags, io, stop)
      results.push(result)
      print(result, updated, flags.json, io)
    }
    const cases = results.flatMap((result) => result.cases)
    const isWrong = results.some((result) => result.isWrong)
    if (cases.length === 0 && !isWrong && flags.only !== undefined)
      throw usageError(`No case has a name with \`${flags.only}\`.`)
    const failed = cases.filter(({ result }) => !result.ok).length
    if (!flags.json) io.out(`${plural(cases.length)}: ${cases.length - failed} passed, ${failed} failed\n`)
    return isWrong ? 2 : failed > 0 || stop.aborted ? 1 : 0
  },
})

const plural = (n: number): string => `${n} case${n === 1 ? '' : 's'}`

function print({ test, root, findings, cases }: FileResult, updated: number, json: boolean, io: Io): void {
  if (json) {
    if (findings.length > 0) io.out(`${JSON.stringify({ file: test.file.path, ok: false, findings })}\n`)
    for (const each of cases) io.out(`${JSON.stringify(caseJson(each, test.file.path))}\n`)
    return
  }
  printFindings(findings, 'text', io, (file) => textOf(root, file))
  if (cases.length > 0)
    io.out(
      `${test.file.path}${updated > 0 ? `: ${plural(updated)} updated` : ''}\n${cases
        .map((each) => caseText(each, test.file.path))
        .join('')}\n`,
    )
}

/** Writes a test file of the first records; what it expects is filled in by the update that follows. */
async function create(
  word: string,
  flags: Omit<Parameters<typeof openPlan>[1], 'state-dir'> & { readonly records: string | undefined },
  io: Io,
  signal: AbortSignal,
): Promise<string | undefined> {
  const spec = oneSpec(word, io)
  const path = testFileOf(spec)
  if (existsSync(path))
    throw usageError(`${relative(io.cwd, path)} exists already.`, 'Add cases to it, or remove it first.')
  const limit = wholeNumber('--records', flags.records, 5)
  const opened = await openPlan(spec, { ...flags, 'state-dir': undefined }, io, { push: false })
  if (!opened) return undefined
  const { plan, registry, workspace } = opened
  const nodes = await preview(plan, registry, { ...workspace, limit, signal })
  writeFileSync(path, newTestFile({ plan, nodes, limit }))
  return path
}
