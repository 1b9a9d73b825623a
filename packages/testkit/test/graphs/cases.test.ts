/**
 * Random graphs as cases of `pipe test`: what comes out once is what comes out of every repetition, killed at every
 * point of every epoch. A difference would be one that the user's spec did not make.
 */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bindCase, type CaseResult, check, readProject, readTestFile, runCase, updateTestFile } from '@millrace/core'
import { expect, it } from 'vitest'
import type { Case, Source } from './case.ts'
import { makeFolder } from './folder.ts'
import { lineOf, writeInput } from './project/input.ts'
import { acceptedCase } from './run/case.ts'
import { registry } from './run/registry.ts'

const seed = 7
const cases = 15
const header = ['n', 'u', 'k', 'q', 'd', 'c', 't', 'b', 'pad']

/** The records of a source as items of `given`, split by split. */
function itemsOf(source: Source): string {
  const items = source.splits.flatMap(({ name, records }) =>
    records.slice(0, 4).map((record) => {
      const raw = lineOf(source.kind, 0, record).trimEnd()
      return { split: name, raw, ...(source.kind === 'csv' ? { context: { header } } : {}) }
    }),
  )
  return items.map((item) => `        - ${JSON.stringify(item)}\n`).join('')
}

const textOf = ({ sources }: Case): string =>
  `tests:\n  - name: one\n    crash: every\n    given:\n${sources.map((source) => `      ${source.id}:\n${itemsOf(source)}`).join('')}`

/** Runs the case of a file. */
async function run(root: string): Promise<CaseResult & { readonly update: () => void }> {
  const path = join(root, 'job.test.yaml')
  const test = await readTestFile(path)
  const project = await readProject({ spec: join(root, 'job.yaml'), root })
  const { plan } = check(project, registry, { push: false })
  const { findings, bound } = bindCase(test, test.cases[0]!, plan!, registry)
  expect([...test.findings, ...findings]).toEqual([])
  const result = await runCase(bound!)
  return { ...result, update: () => writeFileSync(path, updateTestFile(test, [{ case: test.cases[0]!, result }])) }
}

it('random graphs give the same at every crash', { timeout: 240_000 }, async () => {
  const root = makeFolder()
  try {
    let kills = 0
    for (let number = 0; number < cases; number++) {
      const { graph } = await acceptedCase(root, seed, number)
      const folder = join(root, 'check')
      writeInput(folder, graph, 0)
      writeFileSync(join(folder, 'job.test.yaml'), textOf(graph))
      ;(await run(folder)).update()
      const { ok, differences, crashes, error, ...rest } = await run(folder)
      expect({ number, ok, differences, crashes, error: rest.isErrorWrong && error }).toEqual({
        number,
        ok: true,
        differences: [],
        crashes: [],
        error: false,
      })
      kills += rest.kills
    }
    expect(kills).toBeGreaterThan(cases * 30)
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
})
