/** What the repository's shape promises: who imports whom, which files a package has, how names and exports look. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '..')
const files = (pattern: string) =>
  globSync(pattern, { cwd: root, exclude: (path) => /(^|\/)(node_modules|dist|templates)(\/|$)/.test(path) })
    .map((path) => path.replaceAll('\\', '/'))
    .toSorted()
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const packages = files('packages/*/package.json').map((path) => path.split('/')[1]!)
const sources = files('packages/*/src/**/*.ts')

/** A file without its comments. */
const code = (path: string) =>
  read(path)
    .replaceAll(/\/\*[\s\S]*?\*\//g, '')
    .replaceAll(/^\s*\/\/.*$/gm, '')

/** The modules that a file names in import and export statements and in `import(...)`. */
function imports(path: string): string[] {
  return [
    ...code(path).matchAll(
      /(?:^|[\s;])(?:import|export)\s(?:[^'"`;]*?\sfrom\s)?['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)/g,
    ),
  ].map((m) => (m[1] ?? m[2])!)
}

const isConnector = (name: string) => /^(source|sink)-/.test(name)

/** Packages of the workspace that the sources of each may import. Tests may import the testkit as well. */
function mayImport(name: string): (other: string) => boolean {
  if (name === 'core') return () => false
  if (name === 'cli') return () => true
  if (isConnector(name)) return (other) => other === 'core' || other === 'formats'
  return (other) => other === 'core'
}

describe('imports between packages', () => {
  it.each(packages)('%s imports only what stands below it', (name) => {
    const allowed = mayImport(name)
    const wrong = sources
      .filter((path) => path.startsWith(`packages/${name}/`))
      .flatMap((path) => imports(path).map((module) => [path, module] as const))
      .filter(([, module]) => module.startsWith('@millrace/') && !allowed(module.slice('@millrace/'.length)))
    expect(wrong).toEqual([])
  })

  it.each(packages)('%s reaches into no other package by path', (name) => {
    const wrong = files(`packages/${name}/src/**/*.ts`).flatMap((path) =>
      imports(path)
        .filter((module) => module.startsWith('.'))
        .filter((module) =>
          relative(join(root, 'packages', name), resolve(root, dirname(path), module)).startsWith('..'),
        )
        .map((module) => `${path} -> ${module}`),
    )
    expect(wrong).toEqual([])
  })

  it('every package that is imported is a declared dependency', () => {
    const wrong = sources.flatMap((path) => {
      const manifest = JSON.parse(read(`${path.split('/').slice(0, 2).join('/')}/package.json`)) as Record<
        string,
        Record<string, string> | undefined
      >
      const declared = new Set([
        ...Object.keys(manifest['dependencies'] ?? {}),
        ...Object.keys(manifest['peerDependencies'] ?? {}),
      ])
      return imports(path)
        .filter((module) => !module.startsWith('.') && !module.startsWith('node:'))
        .map((module) =>
          module
            .split('/')
            .slice(0, module.startsWith('@') ? 2 : 1)
            .join('/'),
        )
        .filter((module) => !declared.has(module))
        .map((module) => `${path} -> ${module}`)
    })
    expect(wrong).toEqual([])
  })

  it('one file of a connector alone imports its vendor library', () => {
    const vendors = ['@platformatic/kafka', 'mongodb', 'fastify']
    const importers = sources
      .filter((path) => isConnector(path.split('/')[1]!))
      .flatMap((path) =>
        imports(path)
          .filter((module) => vendors.includes(module))
          .map((module) => ({ name: path.split('/')[1]!, module, path })),
      )
    const several = [...Map.groupBy(importers, ({ name, module }) => `${name} ${module}`).values()].filter(
      (group) => new Set(group.map(({ path }) => path)).size > 1,
    )
    expect(several).toEqual([])
  })
})

// `record <- connector <- registry <- spec <- check <- plan <- run`; what stands beside the line is ranked with the stage that it serves.
const stages: readonly (readonly string[])[] = [
  [
    'catalogue',
    'clock',
    'closest',
    'codegen',
    'crash',
    'errors',
    'flat',
    'install',
    'owner',
    'record',
    'schema',
    'schema-read',
    'well-formed',
  ],
  ['connector', 'convert', 'date', 'dead-letter', 'expression', 'key', 'options'],
  ['registry'],
  ['spec'],
  ['check'],
  ['plan'],
  ['run', 'store', 'edits', 'observe', 'rescale', 'testing'],
  ['index'],
]

describe('imports inside core', () => {
  const rank = new Map(stages.flatMap((names, at) => names.map((name) => [name, at] as const)))
  const stageOf = (path: string) => relative('packages/core/src', path).split('/')[0]!.replace(/\.ts$/, '')

  it('every file belongs to a stage', () => {
    const unknown = files('packages/core/src/**/*.ts')
      .map(stageOf)
      .filter((stage) => !rank.has(stage))
    expect([...new Set(unknown)]).toEqual([])
  })

  it('goes one way', () => {
    const wrong = files('packages/core/src/**/*.ts').flatMap((path) =>
      imports(path)
        .filter((module) => module.startsWith('.'))
        .map((module) => relative(root, resolve(root, dirname(path), module)))
        .filter((to) => rank.get(stageOf(to))! > rank.get(stageOf(path))!)
        .map((to) => `${path} -> ${to}`),
    )
    expect(wrong).toEqual([])
  })
})

describe('a connector package', () => {
  // A package that exports nothing yet is a name for later.
  const connectors = packages
    .filter(isConnector)
    .filter((name) => read(`packages/${name}/src/index.ts`).trim() !== 'export {}')

  it.each(connectors)('%s has the fixed files', (name) => {
    const has = (path: string) => existsSync(join(root, 'packages', name, path))
    const missing = ['package.json', 'README.md', 'schema.json', 'src/index.ts', `src/${name.split('-')[0]}.ts`].filter(
      (path) => !has(path),
    )
    expect(missing).toEqual([])
    expect(files(`packages/${name}/test/*.test.ts`)).not.toEqual([])
    const manifest = JSON.parse(read(`packages/${name}/package.json`)) as {
      millrace?: unknown
      peerDependencies?: Record<string, string>
    }
    expect(manifest.millrace).toEqual({ connectors: ['./dist/index.js'] })
    expect(Object.keys(manifest.peerDependencies ?? {})).toContain('@millrace/core')
    expect(read(`packages/${name}/README.md`)).toContain('<!-- options -->')
  })
})

const exportedName = (line: string) =>
  /^export (?:declare )?(?:abstract )?(?:async )?(?:const|let|function\*?|class|interface|type) (\w+)/.exec(line)?.[1]

/** The names that a package's door gives out, by the file that declares them; `*`: all of a file. */
function publicNames(
  index: string,
  wanted: readonly string[] | '*' = '*',
  found = new Map<string, Set<string>>(),
): Map<string, Set<string>> {
  const names = found.get(index) ?? new Set()
  found.set(index, names)
  if (wanted === '*' && names.has('*')) return found
  for (const name of wanted) names.add(name)
  for (const [, what, module] of code(index).matchAll(/^export (?:type )?(\*|\{[^}]*\}) from '(\.[^']+)'/gm)) {
    const given = what === '*' ? '*' : [...what!.matchAll(/(?:type )?(\w+)(?: as \w+)?[,\s}]/g)].map((m) => m[1]!)
    publicNames(
      relative(root, resolve(root, dirname(index), module!)),
      given === '*' ? wanted : wanted === '*' ? given : given.filter((name) => wanted.includes(name)),
      found,
    )
  }
  return found
}

describe('names and docs', () => {
  it('no folder for leftovers', () => {
    const leftovers = /^(utils?|common|shared|helpers?|types|constants|misc)(\.ts)?$/
    expect(sources.filter((path) => path.split('/').some((part) => leftovers.test(part)))).toEqual([])
  })

  it.each(packages)('every name that %s exports to others has a doc comment', (name) => {
    const bare = [...publicNames(`packages/${name}/src/index.ts`)].flatMap(([path, names]) => {
      const lines = read(path).split('\n')
      return lines.flatMap((line, at) => {
        const exported = exportedName(line)
        // Neighbours without a line between them share the comment of the first.
        let first = at
        while (exportedName(lines[first - 1] ?? '')) first--
        const isCommented = lines[first - 1]?.trimEnd().endsWith('*/')
        // Overloads, and a value beside its type, share one comment too.
        const before = lines.slice(0, at).some((other) => exportedName(other) === exported)
        const isPublic = exported !== undefined && (names.has('*') || names.has(exported))
        return !isPublic || isCommented || before ? [] : [`${path}:${at + 1} ${exported}`]
      })
    })
    expect(bare).toEqual([])
  })

  it('no file is so long that it wants a table of contents', () => {
    const long = sources.map((path) => [read(path).split('\n').length, path] as const).filter(([lines]) => lines > 500)
    expect(long).toEqual([])
  })

  it('core takes the time from its clock only', () => {
    // The linter knows the timers; `Date` is also what prints a time.
    const own = sources.filter((path) => path.startsWith('packages/core/') && path !== 'packages/core/src/clock.ts')
    expect(own.filter((path) => /Date\.now\(|new Date\(\)|performance\.|timers\//.test(code(path)))).toEqual([])
  })

  it('no dates are read by the platform', () => {
    // `new Date(text)` guesses formats and zones.
    expect(sources.filter((path) => /new Date\((['"`]|text|raw)|Date\.parse\((?!`[^`]*Z`)/.test(code(path)))).toEqual(
      [],
    )
  })

  it('code is made at run time in one file only', () => {
    expect(sources.filter((path) => /new Function\(|[^.\w]eval\(/.test(code(path)))).toEqual([
      'packages/core/src/codegen.ts',
    ])
  })
})
