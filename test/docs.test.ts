/**
 * The documentation is true: its commands run and print what it shows, its specs pass the check, its links lead
 * somewhere. What a mark before a code block means is explained in pages/blocks.ts. The recipes have their own test.
 */
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from '../packages/cli/src/command.ts'
import { commands } from '../packages/cli/src/commands/index.ts'
import { freshFolder, pipe } from '../packages/cli/test/terminal.ts'
import { createReport } from '../packages/core/src/spec/finding.ts'
import { parseYaml } from '../packages/core/src/spec/yaml.ts'
import { anchorsOf, type Block, blocksOf, proseOf, root } from './pages/blocks.ts'
import { commandsOf, follow, words } from './pages/follow.ts'

const pages = globSync('**/*.md', {
  cwd: root,
  exclude: (path) => /(^|\/)(node_modules|dist|templates|\.services|out|scratch)(\/|$)/.test(path),
})
  .filter((page) => !page.startsWith('.'))
  .toSorted()
const { homepage: repository } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { homepage: string }
const textOf = (page: string) => readFileSync(join(root, page), 'utf8')
/** Examples of errors are wrong on purpose; errors.test.ts runs them. */
const isWrongOnPurpose = (page: string) => page.startsWith('docs/generated/errors/')
const isFollowed = ({ mark }: Block) => /^(run|file|edit|output)\b/.test(mark)

/** A fresh folder; for the page of a project, with a copy of it. */
function folderFor(page: string): string {
  const folder = freshFolder()
  if (!page.startsWith('pipelines/')) return folder
  cpSync(join(root, dirname(page)), folder, { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  return folder
}

describe('pages', () => {
  it.each(
    pages.filter(
      (page) => !page.startsWith('docs/recipes/') && blocksOf(page).some(({ mark }) => mark.startsWith('run')),
    ),
  )('%s: its commands do what it says', { timeout: 180_000 }, (page) => follow(blocksOf(page), folderFor(page)))

  const right = pages.filter((page) => !isWrongOnPurpose(page))
  const specs = right.flatMap((page) =>
    blocksOf(page)
      .filter(({ language, text }) => language === 'yaml' && /^version: 1$/m.test(text))
      .filter(({ mark }) => !(isFollowed({ mark } as Block) && page.startsWith('docs/recipes/')))
      .map(({ text }, i) => [`${page}, spec ${i + 1}`, text] as const),
  )

  /** A page of the console asks for what a flow writes. */
  const isPage = (text: string) => /^elements:/m.test(text)

  it.each(specs.filter(([, text]) => isPage(text)))('%s passes the check beside a flow', async (_name, text) => {
    const folder = folderFor('pipelines/customer-service/README.md')
    writeFileSync(join(folder, 'pages', 'invoices.yaml'), text)
    const { code, err } = await pipe(['check'], folder)
    expect(code, err).toBe(0)
  })

  it.each(specs.filter(([, text]) => !isPage(text)))('%s passes the check', async (_name, text) => {
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

  const snippets = right.flatMap((page) =>
    blocksOf(page)
      .filter((block) => block.language === 'yaml' && !isFollowed(block))
      .map(({ text }, i) => [`${page}, YAML ${i + 1}`, text] as const),
  )

  it.each(snippets)('%s is YAML', (_name, text) => {
    const report = createReport()
    parseYaml({ path: 'page', text }, report)
    expect(report.findings()).toEqual([])
  })

  // Commands that a test cannot run (they need a server, or a person) at least exist.
  const mentioned = right.flatMap((page) =>
    blocksOf(page)
      .filter((block) => block.language === 'sh' && !isFollowed(block))
      .flatMap(({ text }) => commandsOf(text))
      .map((line) => [page, line] as const),
  )

  it.each(mentioned)('%s: `%s` is a command', async (_page, line) => {
    const [first, second, ...rest] = words(line)
    const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> }
    if (first === 'npm' && second === 'run') expect(Object.keys(scripts)).toContain(rest.find((w) => w[0] !== '-'))
    const typed = first === 'pipe' ? [second!, ...rest] : first === 'npx' && second === 'pipe' ? rest : undefined
    if (!typed) return
    const name = [`${typed[0]} ${typed[1]}`, typed[0]!].find((each) => Object.hasOwn(commands, each))
    expect(name, line).toBeDefined()
    const until = typed.findIndex((word) => ['>', '|', '2>'].includes(word))
    const own = typed.slice(name!.split(' ').length, until < 0 ? undefined : until)
    parse(await commands[name!]!.load(), own)
  })

  it.each(pages)('%s: its links lead somewhere', (page) => {
    const dead = [...proseOf(page).matchAll(/\]\((?!mailto:)([^)#\s]*)(?:#([^)\s]+))?\)/g)].filter(
      ([, path, anchor]) => {
        const target = targetOf(page, path!)
        if (target === undefined) return false
        if (!existsSync(target)) return true
        if (anchor === undefined || target === root) return false
        return statSync(target).isDirectory() || !anchorsOf(readFileSync(target, 'utf8')).has(anchor)
      },
    )
    expect(dead.map(([link]) => link)).toEqual([])
  })

  it('finds a link into the repository that leads nowhere', () => {
    expect(existsSync(targetOf('README.md', `${repository}/blob/main/gone.md`)!)).toBe(false)
    expect(targetOf('README.md', 'https://example.com/gone')).toBeUndefined()
  })

  it('finds a dead anchor', () => {
    expect([...anchorsOf('# A `b` & c!\n## A\n## A\n```sh\n# no\n```\n')]).toEqual(['a-b--c', 'a', 'a-1'])
  })
})

/**
 * What a link refers to in this checkout, including links to the repository's web page; `undefined` for other pages.
 */
function targetOf(page: string, path: string): string | undefined {
  if (path.startsWith(repository))
    return join(root, path.slice(repository.length).replace(/^\/(?:blob|tree)\/main\//, ''))
  if (/^https?:/.test(path)) return undefined
  return path ? resolve(root, dirname(page), path) : join(root, page)
}

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

describe('the glossary', () => {
  const rows = textOf('docs/glossary.md')
    .split('\n')
    .filter((line) => /^\| \w/.test(line))
    .map((line) => line.split('|').map((cell) => cell.trim()))

  it('explains each word once, beside the words of four systems', () => {
    const words = rows.map(([, word]) => word!)
    expect(words.length).toBeGreaterThan(40)
    expect(new Set(words.filter((word) => word !== 'word')).size).toBe(words.filter((word) => word !== 'word').length)
    const terms = rows.slice(
      0,
      rows.findIndex(([, word], i) => i > 0 && word === 'word'),
    )
    expect(terms.filter((cells) => cells.length !== 8 || cells.slice(1, 7).includes(''))).toEqual([])
  })
})
