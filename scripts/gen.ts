/**
 * `npm run gen` writes what is derived from code: the options in the READMEs of connectors and their schema.json,
 * docs/generated, and what all packages have in common (packages.ts). `--check` writes nothing and fails when something
 * is stale.
 */
import { existsSync, globSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { type Definition, functions, optionJsonSchema, registryOf, signatures, specJsonSchema } from '@millrace/core'
import { errorPages } from './errors/pages.ts'
import type { Command } from '../packages/cli/src/command.ts'
import { help } from '../packages/cli/src/command.ts'
import { commands } from '../packages/cli/src/commands/index.ts'
import { main, processIo } from '../packages/cli/src/index.ts'
import { buckets, labels, metrics } from '../packages/cli/src/monitor/table.ts'
import { optionsMarkdown } from '../packages/cli/src/print/options.ts'
import { commonFiles } from './packages.ts'
import { allDefinitions } from './definitions.ts'

const root = resolve(import.meta.dirname, '..')
const made = new Map<string, string>()
const here = processIo()
const note = '<!-- Made by `npm run gen`. -->\n'

const definitions = await allDefinitions()
connectorPackages()
made.set(
  'docs/generated/steps.md',
  `${note}# Steps\n\n${described(definitions.map((each) => each.definition).filter((each) => each.kind === 'transform'))}`,
)
made.set('docs/generated/spec.schema.json', json(specJsonSchema(registryOf(definitions))))
for (const [path, text] of await errorPages(note)) made.set(path, text)
made.set('docs/generated/expressions.md', expressionsPage())
made.set('docs/generated/commands.md', await commandsPage())
made.set('docs/generated/metrics.md', metricsPage())
made.set('CHANGELOG.md', changelog())

for (const [path, text] of commonFiles(made)) made.set(path, text)
for (const page of globSync('{pipelines,examples}/*/README.md', { cwd: root })) await graphs(page)

const stale = [...made]
  .filter(([path, text]) => !existsSync(join(root, path)) || readFileSync(join(root, path), 'utf8') !== text)
  .map(([path]) => path)
if (process.argv.includes('--check')) {
  if (stale.length) process.stderr.write(`Stale; run \`npm run gen\`:\n${stale.map((path) => `  ${path}\n`).join('')}`)
  process.exitCode = stale.length ? 1 : 0
} else {
  for (const path of stale) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), made.get(path)!)
  }
  process.stdout.write(
    stale.length ? `Written:\n${stale.map((path) => `  ${path}\n`).join('')}` : 'Nothing was stale.\n',
  )
}

/** schema.json and the table in the README of each connector package that has a definition. */
function connectorPackages(): void {
  for (const name of readdirSync(join(root, 'packages'))) {
    const own = definitions
      .filter((each) => each.package === `@millrace/${name}` && each.definition.kind !== 'transform')
      .map((each) => each.definition)
    if (own.length === 0) continue
    made.set(
      `packages/${name}/schema.json`,
      json({
        definitions: Object.fromEntries(
          own.map(({ kind, type, options }) => [`${kind} ${type}`, optionJsonSchema(options)]),
        ),
      }),
    )
    const readme = `packages/${name}/README.md`
    if (existsSync(join(root, readme)))
      made.set(readme, withOptions(readFileSync(join(root, readme), 'utf8'), own, readme))
  }
}

function withOptions(text: string, own: readonly Definition[], path: string): string {
  const marked = /<!-- options -->[\s\S]*?<!-- \/options -->/
  if (!marked.test(text)) throw new Error(`${path} lacks the markers <!-- options --> and <!-- /options -->`)
  const tables = own
    .map(({ type, options }) => `${own.length > 1 ? `### \`${type}\`\n` : ''}${optionsMarkdown(options)}`)
    .join('\n')
  return text.replace(marked, () => `<!-- options -->\n${tables}<!-- /options -->`)
}

function described(all: readonly Definition[]): string {
  return all.map(({ type, summary, options }) => `## ${type}\n\n${summary}\n\n${optionsMarkdown(options)}`).join('\n')
}

function expressionsPage(): string {
  const groups = [...new Set(functions.map((each) => each.group))]
  const code = (text: string) => `\`${text.replaceAll('|', '\\|')}\``
  const table = (group: string) =>
    functions
      .filter((each) => each.group === group)
      .map(
        (each) =>
          `| ${signatures(each).map(code).join('<br>')} | ${each.doc.replaceAll('|', '\\|')} | ${code(each.example[0])} is ${code(each.example[1])} | ${each.flink === undefined ? 'no' : 'yes'} |`,
      )
      .join('\n')
  const parts = groups.map(
    (group) =>
      `## ${group[0]!.toUpperCase()}${group.slice(1)}\n\n| function | what | example | in Flink SQL |\n|---|---|---|---|\n${table(group)}\n`,
  )
  return `${note}# Functions of expressions\n\nExpressions are CEL, typed by the fields they read: see [the guide](../guide/expressions.md).\n\n${parts.join('\n')}`
}

async function commandsPage(): Promise<string> {
  const loaded: Command[] = await Promise.all(Object.values(commands).map((command) => command.load()))
  return `${note}# Commands\n\n${loaded.map((command) => `## pipe ${command.name}\n\n\`\`\`text\n${help(command)}\`\`\`\n`).join('\n')}`
}

function metricsPage(): string {
  const rows = Object.values(metrics).map(
    ({ name, type, labels: own, unit, help: what }) =>
      `| \`${name}\` | ${type} | ${own.map((label) => `\`${label}\``).join(', ')} | ${unit.replaceAll(/[{}]/g, '')} | ${what} |`,
  )
  const meanings = Object.entries(labels).map(([label, what]) => `| \`${label}\` | ${what} |`)
  return `${note}# Metrics\n\nServed at \`/metrics\` by \`pipe serve\` and by \`pipe run --metrics-port\`: see [monitoring](../guide/monitoring.md).\n\n| metric | type | labels | unit | what |\n|---|---|---|---|---|\n${rows.join('\n')}\n\n| label | what |\n|---|---|\n${meanings.join('\n')}\n\nBuckets of the histograms, in seconds: ${buckets.join(', ')}.\n`
}

/**
 * All packages have one version and one changelog: what the pending changesets say, then the releases, as
 * `changeset version` writes them into the changelogs of the packages.
 */
function changelog(): string {
  const waiting = globSync('.changeset/*.md', { cwd: root })
    .toSorted()
    .map((path) => readFileSync(join(root, path), 'utf8').split(/^---$/m).slice(2).join('---').trim())
  const releases = new Map<string, Set<string>>()
  for (const path of globSync('packages/*/CHANGELOG.md', { cwd: root }).toSorted()) {
    for (const section of readFileSync(join(root, path), 'utf8').split(/^## /m).slice(1)) {
      const version = section.slice(0, section.indexOf('\n'))
      const texts = releases.get(version) ?? new Set()
      for (const [, text] of section.matchAll(/^- [0-9a-f]{7,}: (.*)$/gm)) texts.add(text!)
      releases.set(version, texts)
    }
  }
  const list = (texts: Iterable<string>) => [...texts].map((text) => `- ${text}\n`).join('')
  const newestFirst = [...releases].toSorted(([a], [b]) => b.localeCompare(a, 'en', { numeric: true }))
  const sections = [['Not released yet', waiting] as const, ...newestFirst].map(
    ([title, texts]) => `## ${title}\n\n${list(texts)}`,
  )
  return `${note}# Changelog\n\nAll packages have the same version.\n\n${sections.join('\n')}`
}

/**
 * The flowcharts of a README: between `<!-- graph SPEC -->` and `<!-- /graph -->` goes that of SPEC, a file next to it.
 */
async function graphs(page: string): Promise<void> {
  let text = readFileSync(join(root, page), 'utf8')
  for (const [whole, spec] of text.matchAll(/<!-- graph (\S+) -->[\s\S]*?<!-- \/graph -->/g)) {
    const chart = await pipe(['plan', spec!, '--graph', 'mermaid'], join(root, dirname(page)))
    text = text.replace(whole, () => `<!-- graph ${spec} -->\n\`\`\`mermaid\n${chart}\`\`\`\n<!-- /graph -->`)
  }
  made.set(page, text)
}

/** What the command prints, run in this process. */
async function pipe(words: readonly string[], cwd: string): Promise<string> {
  let out = ''
  const code = await main(words, { ...here, cwd, env: {}, out: (more) => void (out += more) })
  if (code !== 0) throw new Error(`pipe ${words.join(' ')} ended with ${code}`)
  return out
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`
}
