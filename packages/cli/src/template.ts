/** Makes folders from the templates that this package brings. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'
import { dirname, join } from 'node:path'
import { MillraceError } from '@millrace/core'

const templates = () => join(dirname(findPackageJSON('..', import.meta.url)!), 'templates')

/** Copies a template into `folder`, with `__WORD__` replaced, and gives the files made, relative to it. Throws when one is there already; then none is made. */
export function makeFromTemplate(template: string, folder: string, words: Readonly<Record<string, string>>): string[] {
  const from = join(templates(), template)
  const files = readdirSync(from, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(from.length + 1))
    .toSorted()
  // npm leaves a file called .gitignore out of packages, and tools take a package.json below the first for one that counts.
  const named = files.map(
    (file) => [file, file.replace(/(^|[\\/])_gitignore$/, '$1.gitignore').replace(/_(package\.json)$/, '$1')] as const,
  )
  const taken = named.find(([, to]) => existsSync(join(folder, to)))
  if (taken) {
    throw new MillraceError('path_taken', `${join(folder, taken[1])} is there already.`, {
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
