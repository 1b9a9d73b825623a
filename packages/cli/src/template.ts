/** Creates folders from the templates of this package. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'
import { dirname, join } from 'node:path'
import { MillraceError } from '@millrace/core'

const templates = () => join(dirname(findPackageJSON('..', import.meta.url)!), 'templates')

/**
 * Copies a template into `folder`, with `__WORD__` replaced, and returns the created files, relative to it. Throws if
 * one already exists; then none is created.
 */
export function makeFromTemplate(template: string, folder: string, words: Readonly<Record<string, string>>): string[] {
  const from = join(templates(), template)
  const files = readdirSync(from, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(from.length + 1))
    .toSorted()
  // npm omits files named .gitignore from packages, and tools treat a nested package.json as a real one.
  const named = files.map(
    (file) => [file, file.replace(/(^|[\\/])_gitignore$/, '$1.gitignore').replace(/_(package\.json)$/, '$1')] as const,
  )
  const taken = named.find(([, to]) => existsSync(join(folder, to)))
  if (taken) {
    throw new MillraceError('path_taken', `${join(folder, taken[1])} already exists.`, {
      exitCode: 3,
      hint: 'Name another folder, or remove it.',
    })
  }
  for (const [file, to] of named) {
    mkdirSync(dirname(join(folder, to)), { recursive: true })
    writeFileSync(
      join(folder, to),
      readFileSync(join(from, file), 'utf8').replaceAll(/__([A-Z]+)__/g, (whole, word: string) => words[word] ?? whole),
    )
  }
  return named.map(([, to]) => to)
}
