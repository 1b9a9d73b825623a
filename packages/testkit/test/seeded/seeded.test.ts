import { execFileSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { seededBugs } from '../../seeded/bugs.ts'
import { seed } from '../../seeded/run.ts'

const repository = fileURLToPath(new URL('../../../../', import.meta.url))
const suites = globSync('packages/testkit/src/**/*.ts', { cwd: repository })
const textOf = (path: string): string => readFileSync(`${repository}${path}`, 'utf8')

/** Names of tests that are made from a crash point. */
const isMade = (name: string): boolean => name.startsWith('at ')

// Whether each is seen by its test is shown by `npm run seeded`.
describe('seeded bugs', () => {
  for (const bug of seededBugs) {
    it(`${bug.name}: still finds its place, and its test`, () => {
      const source = textOf(bug.file)
      expect(seed(source, bug)).not.toBe(source)
      const [file, name] = bug.test
      expect([file, ...suites].some((path) => isMade(name) || textOf(path).includes(name))).toBe(true)
    })
  }
})

it('one of them is seen by `npm run seeded`', { timeout: 300_000 }, () => {
  const args = [
    '--conditions=@millrace/source',
    'packages/testkit/seeded/run.ts',
    'a state that was replaced is not noticed',
  ]
  expect(execFileSync(process.execPath, args, { cwd: repository, encoding: 'utf8' })).toContain('all 1 seeded bugs')
})
