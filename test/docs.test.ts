/**
 * What documentation says is true: shell blocks marked `<!-- run -->` run in order, in one fresh folder per page, with the files that the page shows;
 * every YAML block that is a spec passes the check; links lead somewhere.
 */
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { freshFolder, pipe } from '../packages/cli/test/terminal.ts'

const root = resolve(import.meta.dirname, '..')
const pages = globSync(['README.md', 'docs/**/*.md', 'examples/**/*.md', 'pipelines/**/*.md', 'packages/*/README.md'], {
  cwd: root,
  exclude: (path) => path.includes('node_modules'),
}).toSorted()
const textOf = (page: string) => readFileSync(join(root, page), 'utf8')

interface Block {
  /** `run`, `file PATH`, or empty. */
  readonly mark: string
  readonly language: string
  readonly text: string
}

const blocksOf = (page: string): Block[] =>
  [...textOf(page).matchAll(/(?:<!-- ([^>]*?) -->\n)?```(\w*)\n([\s\S]*?)```/g)].map(
    ([, mark = '', language, text]) => ({
      mark,
      language: language!,
      text: text!,
    }),
  )

/** Words of a shell line, with quotes. Only what the pages use. */
const words = (line: string): string[] =>
  [...line.matchAll(/'([^']*)'|"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(
    (m) => m[1] ?? m[2]?.replaceAll(/\\(.)/g, '$1') ?? m[3]!,
  )

describe('pages', () => {
  it.each(pages.filter((page) => blocksOf(page).some((block) => block.mark === 'run')))(
    '%s: its commands do what it says',
    async (page) => {
      let cwd = freshFolder()
      for (const { mark, text } of blocksOf(page)) {
        if (mark.startsWith('file ')) {
          const path = join(cwd, mark.slice('file '.length))
          mkdirSync(dirname(path), { recursive: true })
          writeFileSync(path, text)
        }
        if (mark !== 'run') continue
        for (const line of text.trim().split('\n')) {
          const [command, ...args] = words(line)
          if (command === 'cd') cwd = join(cwd, args[0]!)
          else {
            expect(command, line).toBe('pipe')
            const { code, err } = await pipe(args, cwd)
            expect(code, `${line}\n${err}`).toBe(0)
          }
        }
      }
    },
  )

  const specs = pages.flatMap((page) =>
    blocksOf(page)
      .filter((block) => block.language === 'yaml' && /^version: 1$/m.test(block.text))
      .map((block, i) => [`${page}, spec ${i + 1}`, block.text] as const),
  )

  it.each(specs)('%s passes the check', async (_name, text) => {
    const folder = freshFolder()
    mkdirSync(join(folder, 'schemas'))
    writeFileSync(join(folder, 'millrace.yaml'), 'connections: { store: documents, lake: objects }\n')
    writeFileSync(
      join(folder, 'schemas/order.yaml'),
      readFileSync(join(root, 'packages/cli/templates/project/schemas/order.yaml')),
    )
    writeFileSync(
      join(folder, 'schemas/visit.yaml'),
      'fields: { visitor: string, page: string, at: string, seconds: number }\n',
    )
    writeFileSync(join(folder, 'spec.yaml'), text)
    const { code, err } = await pipe(['check', 'spec.yaml'], folder)
    expect(code, err).toBe(0)
  })

  it.each(pages)('%s: its links lead somewhere', (page) => {
    const text = textOf(page).replaceAll(/```[\s\S]*?```/g, '')
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)].map((m) => m[1]!)
    expect(links.filter((link) => !existsSync(resolve(root, dirname(page), link)))).toEqual([])
  })
})

describe('invariants', () => {
  const rows = textOf('docs/invariants.md')
    .split('\n')
    .filter((line) => /^\| \d/.test(line))

  it('are fourteen, each with files that are there, and quoted by number in the code', () => {
    expect(rows.map((row) => Number(row.split('|')[1]))).toEqual(Array.from({ length: 14 }, (_, i) => i + 1))
    const named = rows.flatMap((row) => [...row.matchAll(/`((?:packages|test)\/[^`]+)`/g)].map((m) => m[1]!))
    expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([])
    const unquoted = rows.filter((row) => {
      const [, number, , kept] = row.split('|').map((cell) => cell.trim())
      const files = [...kept!.matchAll(/`([^`]+)`/g)].map((m) => m[1]!)
      return !files.some((path) => new RegExp(`[Ii]nvariants?[^.]*\\b${number}\\b`).test(textOf(path)))
    })
    expect(unquoted.map((row) => Number(row.split('|')[1]))).toEqual([])
  })
})
