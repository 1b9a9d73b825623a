/**
 * What sources, messages and guides refer to exists: commands with their flags, packages, files, connectors, steps and
 * functions.
 */
import { existsSync, globSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { builtins } from '../packages/cli/src/builtins.ts'
import { type Command, parse } from '../packages/cli/src/command.ts'
import { commands } from '../packages/cli/src/commands/index.ts'
import { connectorsOfOurs } from '../packages/core/src/check/ours.ts'
import { functions, registryOf, stepShape } from '../packages/core/src/index.ts'

const root = resolve(import.meta.dirname, '..')
const list = (...patterns: string[]): string[] =>
  globSync(patterns, { cwd: root, exclude: (path) => /(^|\/)(node_modules|dist|\.nx|out)(\/|$)/.test(path) })
    .map((path) => path.replaceAll('\\', '/'))
    .toSorted()
const read = (path: string): string => readFileSync(join(root, path), 'utf8')

const sources = list(
  'packages/*/src/**/*.ts',
  'packages/*/test/**/*.ts',
  'test/**/*.ts',
  'scripts/**/*.ts',
  'services/**/*.ts',
  'benchmarks/**/*.ts',
)
const pages = list(
  'README.md',
  'docs/guide/*.md',
  'docs/invariants.md',
  'examples/**/*.md',
  'pipelines/**/*.md',
  'packages/*/README.md',
  'services/*.md',
  'benchmarks/*.md',
)

/** The comments of a TypeScript file, each on one line, with the line that it begins on. */
function comments(text: string): readonly (readonly [line: number, text: string])[] {
  const found = [...text.matchAll(/\/\*[\s\S]*?\*\/|(?:(?<=^|\n)[ \t]*\/\/[^\n]*\n?)+/g)]
  return found.map((m) => [text.slice(0, m.index).split('\n').length, m[0].replaceAll(/\s*\n\s*(\*|\/\/)?\s?/g, ' ')])
}

const commandNames = Object.keys(commands)
const loaded = new Map<string, Command>()
for (const [name, { load }] of Object.entries(commands)) loaded.set(name, await load())

/** The words of a command line, with quotes. */
const wordsOf = (line: string): string[] =>
  [...line.matchAll(/'([^']*)'|"((?:[^"\\]|\\.)*)"|([^\s'"]+)/g)].map((m) => m[1] ?? m[2] ?? m[3]!)

/** What is wrong with a command line after `pipe `; `inProse`: the name of a command may appear alone. */
function wrongCommand(line: string, inProse: boolean): string | undefined {
  const words = wordsOf(line.replaceAll(/\$\{[^}]*\}/g, 'X').replaceAll(/\s+(\||>|#|&&)\s.*$/g, ''))
  // Placeholders for a command: their flags are those that every command has.
  if (words.length === 0 || /^(-|X$|COMMAND$|<command>$)/.test(words[0]!)) return undefined
  const name = [words.slice(0, 2).join(' '), words[0]!].find((each) => commandNames.includes(each))
  if (!name)
    return commandNames.some((each) => each.split(' ')[0] === words[0]) && words.length === 1 && inProse
      ? undefined
      : `no command \`${line}\``
  const rest = words.slice(name.split(' ').length)
  if (inProse && rest.length === 0) return undefined
  try {
    parse(
      loaded.get(name)!,
      rest.filter((word) => word !== '...'),
    )
    return undefined
  } catch (error) {
    return `\`pipe ${line}\`: ${(error as Error).message}`
  }
}

describe('commands', () => {
  it('in hints and messages can be typed as they stand', () => {
    const wrong = list('packages/*/src/**/*.ts').flatMap((path) => {
      const text = read(path)
        .replaceAll(/\/\*[\s\S]*?\*\//g, (c) => c.replaceAll(/[^\n]/g, ' '))
        .replaceAll(/^\s*\/\/.*$/gm, '')
      // In quotes within a text, or as everything after a colon or comma in it.
      const found = [
        ...text.matchAll(/\\`pipe ([^`\\]+)\\`/g),
        ...text.matchAll(/(?<!\\)`pipe ([^`'\n\\]+)`/g),
        ...text.matchAll(/(?:'|: |, |; )pipe ([a-z][^'`,;\n]*?)(?=['`,;.]| to |: )/g),
      ]
      return found.flatMap((m) => wrongCommand(m[1]!.trim(), false) ?? []).map((why) => `${path}: ${why}`)
    })
    expect(wrong).toEqual([])
  })

  it('in comments and pages exist, with their flags', () => {
    const inPages = pages.flatMap((path) => {
      const text = read(path)
      const lines = [...text.matchAll(/```(?:sh|bash)\n([\s\S]*?)```/g)].flatMap((m) =>
        m[1]!
          .replaceAll(/\\\n\s*/g, ' ')
          .split('\n')
          .filter((line) => line.startsWith('pipe '))
          .map((line) => wrongCommand(line.slice(5), false)),
      )
      const inline = [...text.replaceAll(/```[\s\S]*?```/g, '').matchAll(/`pipe ([^`]+)`/g)].map((m) =>
        wrongCommand(m[1]!, true),
      )
      return [...lines, ...inline].flatMap((why) => (why ? [`${path}: ${why}`] : []))
    })
    const inComments = sources.flatMap((path) =>
      comments(read(path)).flatMap(([line, text]) =>
        [...text.matchAll(/`pipe ([^`]+)`/g)]
          .flatMap((m) => wrongCommand(m[1]!, true) ?? [])
          .map((why) => `${path}:${line}: ${why}`),
      ),
    )
    expect([...inPages, ...inComments]).toEqual([])
  })

  it('the examples of each can be typed', () => {
    const wrong = [...loaded.values()].flatMap(({ examples }) =>
      examples.flatMap(([line]) => wrongCommand(line.replace(/^pipe /, ''), false) ?? []),
    )
    expect(wrong).toEqual([])
  })

  it('flags in hints are flags of a command', () => {
    const flags = new Set(['help', 'version', ...[...loaded.values()].flatMap((command) => Object.keys(command.flags))])
    // Flags of Node itself, or of npm.
    const ofNode = new Set([
      'max-semi-space-size',
      'semi-space-growth-factor',
      'no-parallel-scavenge',
      'conditions',
      'no-warnings',
      'ignore-scripts',
      'allow-scripts',
      'save-dev',
    ])
    const wrong = list('packages/{core,cli,transforms,formats*,kinds,client-*,source-*,sink-*}/src/**/*.ts').flatMap(
      (path) =>
        [...read(path).matchAll(/(?<=[\s`'"(])--([a-z][a-z-]+)(?=[\s`'",.;:=)])(?! [><=]|\.\w)/g)]
          .map((m) => m[1]!)
          .filter((flag) => !flags.has(flag) && !ofNode.has(flag))
          .map((flag) => `${path}: --${flag}`),
    )
    expect(wrong).toEqual([])
  })

  it('scripts of npm exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
    const wrong = [...pages, ...sources].flatMap((path) =>
      [...read(path).matchAll(/npm run ([a-z][\w:-]*)/g)]
        .map((m) => m[1]!)
        .filter((name) => !Object.hasOwn(scripts, name))
        .map((name) => `${path}: npm run ${name}`),
    )
    expect(wrong).toEqual([])
  })
})

describe('packages and files', () => {
  it('every package of ours that is named is in the workspace', () => {
    const names = new Set(
      list('packages/*/package.json').map((path) => (JSON.parse(read(path)) as { name: string }).name),
    )
    // The condition of package.json, and names that the guide uses for packages still to be written.
    const others = [
      '@millrace/source',
      '@millrace/source-acme-orders',
      '@millrace/source-tape',
      '@millrace/source-nowhere',
      '@millrace/source-reel',
      '@millrace/source-acme',
      '@millrace/sink',
      '@millrace/sink-s',
    ]
    const wrong = [...pages, ...sources].flatMap((path) =>
      [...read(path).matchAll(/@millrace\/[a-z][a-z0-9-]*[a-z0-9]/g)]
        .map((m) => m[0])
        .filter((name) => !names.has(name) && !others.includes(name))
        .map((name) => `${path}: ${name}`),
    )
    expect(wrong).toEqual([])
  })

  /** Whether `name`, as a file at `path` refers to it, exists: next to it, or in a folder above it. */
  const isThere = (path: string, name: string): boolean => {
    for (let folder = dirname(join(root, path)); ; folder = dirname(folder)) {
      if ([folder, join(folder, 'src'), join(folder, 'test')].some((at) => existsSync(join(at, name)))) return true
      if (folder === root) return false
    }
  }

  it('every file that a comment names is there', () => {
    const wrong = sources.flatMap((path) =>
      comments(read(path)).flatMap(([line, text]) =>
        [...text.matchAll(/(?<![\w/.@#:-])((?:[\w.-]+\/)*[\w-][\w.-]*\.(?:ts|md))\b(?!#)/g)]
          .map((m) => m[1]!)
          .filter((name) => !isThere(path, name))
          .map((name) => `${path}:${line}: ${name}`),
      ),
    )
    expect(wrong).toEqual([])
  })

  it('what a comment says is in a file or folder of ours is named there', () => {
    const wrong = sources.flatMap((path) =>
      comments(read(path)).flatMap(([line, text]) =>
        [...text.matchAll(/`(\w+)`,? (?:of|in|from) `?((?:[\w-]+\/)+(?:[\w-]+\.ts)?|[\w-]+\.ts)`?/g)].flatMap(
          ([, name, place]) => {
            const at = [dirname(path), path.split('/').slice(0, 3).join('/'), '']
              .map((folder) => join(root, folder, place!))
              .find((each) => existsSync(each))
            if (!at) return []
            const files = statSync(at).isDirectory() ? list(`${relative(root, at)}/**/*.ts`) : [relative(root, at)]
            return files.some((file) =>
              new RegExp(`\\b(?:function\\*?|const|class|interface|type) ${name}\\b`).test(read(file)),
            )
              ? []
              : [`${path}:${line}: ${name} is not in ${place}`]
          },
        ),
      ),
    )
    expect(wrong).toEqual([])
  })
})

describe('guides', () => {
  const guides = list('README.md', 'docs/guide/*.md', 'packages/*/README.md', 'examples/**/*.md', 'pipelines/**/*.md')
  const types = (kind: 'source' | 'sink' | 'transform') =>
    builtins.filter((each) => each.kind === kind).map((each) => each.type)
  // Kafka and MongoDB are part of the workspace, but do not come with the command.
  const endpoints = new Set([
    ...types('source'),
    ...types('sink'),
    ...connectorsOfOurs.source,
    ...connectorsOfOurs.sink,
  ])
  const verbs = new Set([...types('transform'), ...Object.keys(stepShape)])
  const yamlOf = (path: string): string =>
    [...read(path).matchAll(/```yaml\n([\s\S]*?)```/g)].map((m) => m[1]!.replaceAll(/#.*$/gm, '')).join('\n')

  it('every connector that a spec of theirs names is registered', () => {
    const fields = new Set(['string', 'integer', 'number', 'boolean', 'duration', 'size', 'percent', 'acme-orders'])
    const wrong = guides.flatMap((path) =>
      [...yamlOf(path).matchAll(/(?<![\w_])type: "?([@\w/-]+)/g)]
        .map((m) => m[1]!)
        .filter(
          (type) => !endpoints.has(type) && !fields.has(type) && !['inner', 'left', ...formatNames].includes(type),
        )
        .map((type) => `${path}: type ${type}`),
    )
    expect(wrong).toEqual([])
  })
  const formatNames = ['csv', 'jsonl', 'json', 'parquet', 'arrow', 'timestamp', 'date', 'decimal']

  it('every step of theirs is registered', () => {
    const wrong = guides.flatMap((path) =>
      [...yamlOf(path).matchAll(/^steps:\n((?: {2}.*\n)+)/gm)]
        .flatMap(([, steps]) => [...steps!.matchAll(/^ {2}- (\w+):|^ {4}(\w+):/gm)].map((m) => m[1] ?? m[2]!))
        // It stands beside the verb.
        .filter((verb) => verb !== 'window' && !verbs.has(verb))
        .map((verb) => `${path}: ${verb}`),
    )
    expect(wrong).toEqual([])
  })

  it('every function that they call is one', () => {
    const known = new Set([
      ...functions.map((each) => each.name),
      'has',
      'all',
      'exists',
      'map',
      'filter',
      'count',
      'sum',
      'avg',
      'min',
      'max',
      'first',
      'last',
      'count_if',
    ])
    const pagesOfExpressions = [
      'docs/guide/expressions.md',
      'docs/guide/spec.md',
      'README.md',
      'packages/transforms/README.md',
    ]
    const calls = pagesOfExpressions.flatMap((path) =>
      [...read(path).matchAll(/`([^`\n]+)`|"([^"\n]+)"/g)].flatMap((m) =>
        [...(m[1] ?? m[2])!.matchAll(/(?<![\w./#])([a-z]\w*)\(/g)].map((call) => [path, call[1]!] as const),
      ),
    )
    expect(calls.length).toBeGreaterThan(5)
    const types = ['decimal', 'list', 'now', 'random', 'rowFromJson']
    expect(calls.filter(([, name]) => !known.has(name) && !types.includes(name))).toEqual([])
  })

  it('the guide of connectors names every one, and no other', () => {
    const page = read('docs/guide/connectors.md')
    const named = (heading: string) =>
      [...(new RegExp(`^\\| ${heading} \\|(.*)\\|$`, 'm').exec(page)?.[1] ?? '').matchAll(/`([\w-]+)`/g)].map(
        (m) => m[1]!,
      )
    expect(named('sources').toSorted()).toEqual(types('source').toSorted())
    expect(named('sinks').toSorted()).toEqual(types('sink').toSorted())
    expect(named('steps').toSorted()).toEqual(types('transform').toSorted())
  })

  it('the words of a command bring nothing that is not there', async () => {
    const all = await Promise.all(
      builtins.map(async (each) => ({ definition: await each.load(), package: each.package })),
    )
    expect(registryOf(all).all.map(({ definition }) => `${definition.kind} ${definition.type}`)).toEqual(
      builtins.map(({ kind, type }) => `${kind} ${type}`),
    )
  })
})
