/** Every code that the packages report is in the catalogue of errors. */
import { globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, it } from 'vitest'
import { catalogue, catalogueParts } from '../packages/core/src/index.ts'

const root = resolve(import.meta.dirname, '..')
const patterns = [
  /\bcode: '([a-z0-9_]+)'/g,
  /\bcode: [^,'\n]{0,60}\? '([a-z0-9_]+)' : '([a-z0-9_]+)'/g,
  /\b(?:DataError|SystemError|MillraceError)\(\s*'([a-z0-9_]+)'/g,
  /\b(?:DataError|SystemError|MillraceError)\(\s*[^,'"]{0,80}\? '([a-z0-9_]+)' : (?:'([a-z0-9_]+)')?/g,
  /\bmade\(\s*'([a-z0-9_]+)'/g,
  /\b(?:fail|refuse|refusal)\(\w+, '(?!(?:data|system)')([a-z0-9_]+)'/g,
]

it('has every code that is reported somewhere', () => {
  const missing = new Set<string>()
  for (const path of globSync('packages/*/src/**/*.ts', { cwd: root })) {
    const text = readFileSync(join(root, path), 'utf8')
    for (const pattern of patterns) {
      for (const match of text.matchAll(pattern))
        for (const code of match.slice(1)) if (code && !Object.hasOwn(catalogue, code)) missing.add(`${code} (${path})`)
    }
  }
  expect([...missing]).toEqual([])
})

it('explains each in sentences', () => {
  for (const [part, entries] of Object.entries(catalogueParts)) {
    for (const [code, { title, explanation }] of Object.entries(entries))
      expect(`${part} ${code}: ${title}. ${explanation}`).toMatch(/: .{4,60}\. [A-Z`].{20,}[.]$/)
  }
})
