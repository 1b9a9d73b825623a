/** What the repository's layout promises: who imports whom, which files a package has, how names and exports look. */
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
const sources = files('packages/*/src/**/*.{ts,tsx}')

/** A file without its comments. */
const code = (path: string) =>
  read(path)
    .replaceAll(/\/\*[\s\S]*?\*\//g, '')
    .replaceAll(/^\s*\/\/.*$/gm, '')

/** The modules that a file names in import and export statements and in `import(...)`. */
function imports(path: string): string[] {
  return [
    ...code(path).matchAll(
      /(?:^|[\s;])(?:import|export)\s(?:[^'"`;]*?\sfrom\s)?['"]([^'"]+)['"]|import(?:\.meta\.resolve)?\(\s*['"]([^'"]+)['"]\s*\)/g,
    ),
  ].map((m) => (m[1] ?? m[2])!)
}

/** The parts of a package.json that are read here. */
interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>
}

const isConnector = (name: string) => /^(source|sink)-/.test(name)

type Room =
  | 'core'
  | 'formats'
  | 'formats-columnar'
  | 'kinds'
  | 'client'
  | 'client-aws'
  | 'transforms'
  | 'connector'
  | 'testkit'
  | 'telemetry'
  | 'console'
  | 'cli'

/** Who may import whom, in the sources of packages. The testkit is for tests. */
const mayImport: Readonly<Record<Room, readonly Room[]>> = {
  core: [],
  formats: ['core'],
  'formats-columnar': ['core', 'formats'],
  kinds: ['core', 'formats'],
  // What the services of AWS share.
  'client-aws': ['core'],
  client: ['core', 'formats', 'client-aws'],
  transforms: ['core'],
  connector: ['core', 'formats', 'formats-columnar', 'kinds', 'client'],
  testkit: ['core'],
  telemetry: ['core'],
  // For browsers: types of core only.
  console: ['core'],
  cli: ['core', 'transforms', 'connector', 'telemetry', 'console'],
}

const roomOf = (name: string): Room =>
  isConnector(name) ? 'connector' : name.startsWith('client-') && name !== 'client-aws' ? 'client' : (name as Room)

/**
 * Third-party packages, each with the one package that may import it. A library that is not listed may be imported by
 * the testkit alone: add a line for a new one.
 */
const vendors: Readonly<Record<string, string>> = {
  mongodb: 'client-mongodb',
  pg: 'client-postgres',
  'pg-copy-streams': 'client-postgres',
  '@platformatic/kafka': 'client-kafka',
  '@smithy/node-http-handler': 'client-aws',
  '@aws-sdk/client-kinesis': 'client-kinesis',
  '@aws-sdk/client-glue': 'client-glue',
  '@aws-sdk/client-dynamodb': 'client-dynamodb',
  '@aws-sdk/lib-dynamodb': 'client-dynamodb',
  '@aws-sdk/client-s3': 'client-s3',
  fastify: 'source-http',
  undici: 'client-http',
  '@faker-js/faker': 'source-generate',
  'apache-arrow': 'formats-columnar',
  'hyparquet-writer': 'formats-columnar',
  'prom-client': 'cli',
  preact: 'console',
  '@dagrejs/dagre': 'console',
  '@opentelemetry/api': 'telemetry',
  '@opentelemetry/resources': 'telemetry',
  '@opentelemetry/sdk-node': 'telemetry',
  croner: 'core',
  re2js: 'core',
  typebox: 'core',
  yaml: 'core',
}

const packageOf = (module: string): string =>
  module
    .split('/')
    .slice(0, module.startsWith('@') ? 2 : 1)
    .join('/')

describe('imports between packages', () => {
  it.each(packages)('%s imports only what stands below it', (name) => {
    const allowed = mayImport[roomOf(name)]
    const wrong = sources
      .filter((path) => path.startsWith(`packages/${name}/`))
      .flatMap((path) => imports(path).map((module) => [path, packageOf(module)] as const))
      .filter(([, from]) => from.startsWith('@millrace/') && !allowed.includes(roomOf(from.slice('@millrace/'.length))))
    expect(wrong).toEqual([])
  })

  it.each(packages)('%s reaches into no other package by path', (name) => {
    const wrong = files(`packages/${name}/src/**/*.{ts,tsx}`).flatMap((path) =>
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
        // What browsers load is bundled, so that the package depends on nothing.
        ...Object.keys(path.startsWith('packages/console/') ? (manifest['devDependencies'] ?? {}) : {}),
      ])
      return imports(path)
        .filter((module) => !module.startsWith('.') && !module.startsWith('node:'))
        .map(packageOf)
        .filter((module) => !declared.has(module))
        .map((module) => `${path} -> ${module}`)
    })
    expect(wrong).toEqual([])
  })

  it('every package that a test reaches is declared, so that its tests run again when that one changes', () => {
    // Tests that run the whole system belong to the repository: see `nx` in package.json.
    const whole = /^packages\/testkit\/test\/(crash|graphs|loop|seeded)\//
    const tests = files('packages/*/test/**/*.ts').filter((path) => !whole.test(path))
    const wrong = tests.flatMap((path) => {
      const name = path.split('/')[1]!
      const manifest = JSON.parse(read(`packages/${name}/package.json`)) as Manifest
      const { dependencies, peerDependencies, devDependencies } = manifest
      const declared = Object.keys({ ...dependencies, ...peerDependencies, ...devDependencies })
      return imports(path)
        .map((module) =>
          module.startsWith('.')
            ? `@millrace/${/^packages\/([^/]+)\//.exec(join(dirname(path), module))?.[1] ?? name}`
            : packageOf(module),
        )
        .filter((module) => module.startsWith('@millrace/') && module !== `@millrace/${name}`)
        .filter((module) => !declared.includes(module))
        .map((module) => `${path} -> ${module}`)
    })
    expect(wrong).toEqual([])
  })

  it('a package declares no dependency that it does not import', () => {
    const wrong = packages.flatMap((name) => {
      const used = new Set(
        sources
          .filter((path) => path.startsWith(`packages/${name}/`))
          .flatMap(imports)
          .map(packageOf),
      )
      const { dependencies = {} } = JSON.parse(read(`packages/${name}/package.json`)) as Manifest
      return Object.keys(dependencies)
        .filter((module) => !used.has(module))
        .map((module) => `${name} -> ${module}`)
    })
    expect(wrong).toEqual([])
  })

  it('each library is imported by one package, the one that is listed for it', () => {
    const wrong = sources.flatMap((path) =>
      imports(path)
        .map(packageOf)
        .filter((module) => !module.startsWith('.') && !module.startsWith('node:') && !module.startsWith('@millrace/'))
        .filter((module) => vendors[module] !== undefined || roomOf(path.split('/')[1]!) !== 'testkit')
        .filter((module) => vendors[module] !== path.split('/')[1])
        .map((module) => `${path} -> ${module}`),
    )
    expect(wrong).toEqual([])
  })

  it('of TypeBox only types are imported: its modules take longer to load than a check', () => {
    expect(sources.filter((path) => /import (?!type )[^;\n]*'typebox'/.test(code(path)))).toEqual([])
  })

  it('has no circle, not even of types', () => {
    const doors = new Map(
      packages.flatMap((name) => {
        const { exports = {} } = JSON.parse(read(`packages/${name}/package.json`)) as Manifest
        return Object.entries(exports).flatMap(([door, at]) =>
          typeof at === 'string'
            ? []
            : [[join('@millrace', name, door), join('packages', name, at['@millrace/source']!)] as const],
        )
      }),
    )
    const next = new Map(
      sources.map((path) => [
        path,
        imports(path).flatMap((module) =>
          module.startsWith('.')
            ? [relative(root, resolve(root, dirname(path), module))]
            : doors.has(module)
              ? [doors.get(module)!]
              : [],
        ),
      ]),
    )
    expect(circles(next)).toEqual([])
  })
})

/**
 * The cycles of a graph: groups of files in which each reaches every other (Tarjan), and files that import themselves.
 */
function circles(next: ReadonlyMap<string, readonly string[]>): string[][] {
  const found: string[][] = []
  const order = new Map<string, number>()
  const lowest = new Map<string, number>()
  const path: string[] = []
  const visit = (file: string): number => {
    order.set(file, order.size)
    lowest.set(file, order.get(file)!)
    path.push(file)
    for (const to of next.get(file) ?? []) {
      if (!order.has(to)) visit(to)
      if (path.includes(to)) lowest.set(file, Math.min(lowest.get(file)!, lowest.get(to)!))
    }
    if (lowest.get(file) === order.get(file)) {
      const group = path.splice(path.indexOf(file))
      if (group.length > 1 || next.get(file)?.includes(file)) found.push(group.toSorted())
    }
    return lowest.get(file)!
  }
  for (const file of next.keys()) if (!order.has(file)) visit(file)
  return found
}

// The folders of core, from the lowest to the highest. Those on one line are at the same level.
const stages: readonly (readonly string[])[] = [
  ['clock', 'codegen', 'crash', 'errors'],
  ['record', 'schema', 'date'],
  ['convert', 'schedule'],
  ['expression', 'connector'],
  ['registry'],
  ['spec'],
  ['query'],
  ['check'],
  ['plan'],
  ['store'],
  ['edits'],
  ['run'],
  ['cases', 'pages'],
  ['testing', 'index'],
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

  it('every folder has a door, which only says what others get', () => {
    const doors = stages
      .flat()
      .map((stage) => `packages/core/src/${stage}`)
      .filter((folder) => existsSync(join(root, folder)))
      .map((folder) => `${folder}/index.ts`)
    expect(doors.filter((door) => !existsSync(join(root, door)))).toEqual([])
    const statement = /export (?:type )?(?:\*|\{[^}]*\})(?: as \w+)? from '[^']+'/g
    expect(
      [...doors, 'packages/core/src/index.ts'].filter((door) => code(door).replaceAll(statement, '').trim()),
    ).toEqual([])
  })
})

describe('a connector package', () => {
  // A package that exports nothing yet is a name reserved for later.
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

/** The names that a package's entry point exports, by the file that declares them; `*`: all of a file. */
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

  it.each(packages.filter((name) => name !== 'console'))(
    'every name that %s exports to others has a doc comment',
    (name) => {
      const bare = [...publicNames(`packages/${name}/src/index.ts`)].flatMap(([path, names]) => {
        const lines = read(path).split('\n')
        return lines.flatMap((line, at) => {
          const exported = exportedName(line)
          // Neighbours without a blank line between them share the comment of the first.
          let first = at
          while (exportedName(lines[first - 1] ?? '')) first--
          const isCommented = lines[first - 1]?.trimEnd().endsWith('*/')
          // Overloads, and a value next to its type, share one comment too.
          const before = lines.slice(0, at).some((other) => exportedName(other) === exported)
          const isPublic = exported !== undefined && (names.has('*') || names.has(exported))
          return !isPublic || isCommented || before ? [] : [`${path}:${at + 1} ${exported}`]
        })
      })
      expect(bare).toEqual([])
    },
  )

  it('no file has more than 300 lines, unless its head says why it is one file', () => {
    const head = (path: string) => /^\/\*\*[\s\S]*?\*\//.exec(read(path))?.[0] ?? ''
    const long = sources.filter(
      (path) => read(path).trimEnd().split('\n').length > 300 && !/\bone\s+(?:\*\s+)?file\b/i.test(head(path)),
    )
    expect(long).toEqual([])
  })

  it('no type name is declared twice in a package', () => {
    const twice = packages.flatMap((name) => {
      const declared = files(`packages/${name}/src/**/*.{ts,tsx}`).flatMap((path) =>
        [...read(path).matchAll(/^(?:export )?(?:interface|type) (\w+)/gm)].map((m) => ({ type: m[1]!, path })),
      )
      return [...Map.groupBy(declared, ({ type }) => type).entries()]
        .filter(([, all]) => new Set(all.map(({ path }) => path)).size > 1)
        .map(([type, all]) => `${type}: ${all.map(({ path }) => path).join(', ')}`)
    })
    expect(twice).toEqual([])
  })

  it('comments keep to 120 columns, but for tables and addresses', () => {
    const all = files('{packages,test,scripts,services,benchmarks}/**/*.{ts,tsx}')
    expect((JSON.parse(read('biome.json')) as { formatter: { lineWidth: number } }).formatter.lineWidth).toBe(120)
    const wide = all.flatMap((path) =>
      read(path)
        .split('\n')
        .flatMap((line, at) =>
          line.length > 120 && /^\s*(\/\/|\*|\/\*)/.test(line) && !/^\s*\*? ?\||https?:/.test(line)
            ? [`${path}:${at + 1}`]
            : [],
        ),
    )
    expect(wide).toEqual([])
  })

  it('prose in Markdown keeps to 120 columns, but for tables and code', () => {
    const pages = files('{*,docs/**/*,packages/**/*,examples/**/*,pipelines/**/*,services/*}.md').filter(
      (path) => !/generated|CHANGELOG/.test(path),
    )
    const wide = pages.flatMap((path) => {
      let isCode = false
      return read(path)
        .split('\n')
        .flatMap((line, at) => {
          if (/^\s*```/.test(line)) isCode = !isCode
          return line.length > 120 && !isCode && !/^\s*\|/.test(line) ? [`${path}:${at + 1}`] : []
        })
    })
    expect(wide).toEqual([])
  })

  it('core takes the time from its clock only', () => {
    // The linter covers the timers; `Date` also prints times.
    const own = sources.filter((path) => path.startsWith('packages/core/') && path !== 'packages/core/src/clock.ts')
    expect(own.filter((path) => /Date\.now\(|new Date\(\)|performance\.|timers\//.test(code(path)))).toEqual([])
  })

  it('no dates are read by the platform', () => {
    // `new Date(text)` guesses formats and zones. Browsers read what we print.
    expect(
      sources.filter(
        (path) =>
          !path.startsWith('packages/console/') &&
          /new Date\((['"`]|text|raw)|Date\.parse\((?!`[^`]*Z`)/.test(code(path)),
      ),
    ).toEqual([])
  })

  it('code is made at run time in one file only', () => {
    expect(sources.filter((path) => /new Function\(|[^.\w]eval\(/.test(code(path)))).toEqual([
      'packages/core/src/codegen.ts',
    ])
  })
})
