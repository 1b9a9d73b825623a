/**
 * Decisions and code refer to each other: every decision is cited by a file that follows it, and what is cited exists.
 */
import { globSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { root } from './pages/blocks.ts'

const decisions = readdirSync(join(root, 'docs/decisions'))
const sources = globSync(['packages/*/{src,bin,templates}/**/*.{ts,mjs}', 'scripts/**/*.ts', 'services/**/*.ts'], {
  cwd: root,
  exclude: (path) => /(^|\/)(node_modules|dist)(\/|$)/.test(path),
})
const cited = new Map<string, string[]>()
for (const path of sources)
  for (const [, name] of readFileSync(join(root, path), 'utf8').matchAll(/docs\/decisions\/([\w.-]+\.md)/g))
    cited.set(name!, [...(cited.get(name!) ?? []), path])

/** Decisions on how the work is done, which no source follows. */
const organisational: readonly string[] = []

it('every decision that a source cites is there', () => {
  expect([...cited].filter(([name]) => !decisions.includes(name))).toEqual([])
})

it('every decision is cited by a source that follows it', () => {
  expect(decisions.filter((name) => !cited.has(name) && !organisational.includes(name))).toEqual([])
})

it('every decision has a date, a context and what was decided', () => {
  const wrong = decisions.flatMap((name) => {
    const text = readFileSync(join(root, 'docs/decisions', name), 'utf8')
    const parts = ['Context', 'Decision'].filter((part) => !text.includes(`**${part}`))
    return /^\d{8}-[a-z0-9-]+\.md$/.test(name) ? parts.map((part) => `${name}: ${part}`) : [name]
  })
  expect(wrong).toEqual([])
})
