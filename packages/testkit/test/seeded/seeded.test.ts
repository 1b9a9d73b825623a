import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { seededBugs } from '../../seeded/bugs.ts'
import { seed } from '../../seeded/run.ts'

const repository = fileURLToPath(new URL('../../../../', import.meta.url))

// Whether each is seen by its test is shown by `npm run seeded`.
describe('seeded bugs', () => {
  for (const bug of seededBugs) {
    it(`${bug.name}: still finds its place, and its test`, () => {
      const source = readFileSync(`${repository}${bug.file}`, 'utf8')
      expect(seed(source, bug)).not.toBe(source)
      expect(existsSync(`${repository}${bug.test[0]}`)).toBe(true)
    })
  }
})
