import * as fc from 'fast-check'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { checkSpec, spec } from './project.ts'

const corpus = join(import.meta.dirname, '../../../../test/corpus/specs')
const texts = [
  ...readdirSync(corpus).map((name) => readFileSync(join(corpus, name), 'utf8')),
  spec(
    'vars: { x: { default: a } }\nsteps: [{ pick: [a, "${var:x}"] }, { split: { left: l, right: r } }]\nsinks: { l: { type: sqlite, config: { collection: x, wait: 5m } }, r: { type: console } }',
  ),
]
const pieces = [
  '[',
  '{',
  ']',
  '}',
  ': ',
  '- ',
  '\n',
  '\n  ',
  '&a ',
  '*a',
  '!t ',
  '"',
  "'",
  '|\n',
  '? ',
  '# ',
  '${',
  '}',
  '${env:X}',
  'null',
  '1e999',
  '99999999999999999999',
  '__proto__: 1\n',
  'from: ',
  '\t',
  '\u0000',
  '\ud800',
  '...\n',
  '---\n',
  '%',
]

/** A text with a few pieces inserted or removed. */
const mutated = fc
  .tuple(
    fc.constantFrom(...texts),
    fc.array(fc.tuple(fc.nat(), fc.nat(12), fc.constantFrom('', ...pieces)), { minLength: 1, maxLength: 4 }),
  )
  .map(([text, edits]) =>
    edits.reduce(
      (now, [at, cut, piece]) => now.slice(0, at % (now.length + 1)) + piece + now.slice((at % (now.length + 1)) + cut),
      text,
    ),
  )

it('no text makes the check throw, and each finding has a location in its file', async () => {
  await fc.assert(
    fc.asyncProperty(mutated, async (text) => {
      const { findings, plan } = await checkSpec(text)
      expect(plan === undefined).toBe(findings.some((finding) => finding.severity === 'error'))
      const lines = text.split('\n')
      for (const { code, message, file, line, col } of findings) {
        expect(code !== '' && message !== '').toBe(true)
        if (file === 'pipeline.yaml') expect(line <= lines.length && col <= lines[line - 1]!.length + 2).toBe(true)
      }
    }),
    { numRuns: 400 },
  )
})
