/** Small projects on disk and connectors that only describe themselves: the basis of the tests of spec and check. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { check, type Planning } from '../../src/plan/make.ts'
import { defineSink, defineSource, defineTransform, type Definition, type Push } from '../../src/connector/index.ts'
import { option } from '../../src/connector/options.ts'
import { registryOf } from '../../src/registry/index.ts'
import { readProject, type ProjectOptions } from '../../src/spec/project.ts'

const never = (): never => {
  throw new Error('nothing is created by a check')
}

const lines = defineSource({
  kind: 'source',
  type: 'lines',
  summary: 'Lines of a file.',
  options: option.object({
    path: option.path('The file.'),
    delimiter: option.text('Between fields.', { default: ',' }),
  }),
  capabilities: ({ path }) => ({ bounded: true, replayable: path !== '-', lanes: 'one', pushdown: true }),
  create: never,
})

const feed = defineSource({
  kind: 'source',
  type: 'log',
  serves: ['stream'],
  summary: 'A stream without end.',
  options: option.object({
    stream: option.text('Its name.'),
    region: option.text('Where it is.', { default: 'here' }),
  }),
  capabilities: () => ({ bounded: false, replayable: true, lanes: 'split' }),
  create: never,
})

const store = defineSink({
  kind: 'sink',
  type: 'sqlite',
  serves: ['documents', 'warehouse'],
  summary: 'Documents by key.',
  options: option.object({
    collection: option.text('Its name.'),
    key: option.optional(option.field('The key.')),
    url: option.optional(option.secret('Where it is.')),
    wait: option.duration('How long.', { default: '10s' }),
    buffer: option.size('How much.', { default: '4MiB' }),
    retries: option.integer('How often.', { default: 3, min: 0 }),
  }),
  capabilities: () => ({ label: 'effectively-once', how: 'upsert by record id', keyed: true }),
  create: never,
})

const printer = defineSink({
  kind: 'sink',
  type: 'console',
  summary: 'Prints.',
  options: option.object({ limit: option.optional(option.integer('How many.')) }),
  capabilities: () => ({ label: 'at-least-once', how: 'prints again after a crash' }),
  create: never,
})

/** Keeps the named fields; can be pushed into a source. */
const pick = defineTransform({
  kind: 'transform',
  type: 'pick',
  summary: 'Keeps fields.',
  options: option.list(option.field('A field.'), 'The fields.'),
  infer: (names, { input }) => ({
    output: {
      fields: Object.fromEntries(names.flatMap((name) => (input.fields[name] ? [[name, input.fields[name]!]] : []))),
    },
    problems: [],
    push: (columns: Push['columns']) => columns.filter((column) => names.includes(column.name)),
  }),
  create: never,
})

/** Two named outputs and no plain one. */
const split = defineTransform({
  kind: 'transform',
  type: 'split',
  summary: 'Two ways.',
  options: option.object({ left: option.text('One.'), right: option.text('The other.') }),
  infer: ({ left, right }, { input }) => ({ sideOutputs: { [left]: input, [right]: input }, problems: [] }),
  create: never,
})

const lookUp = defineTransform({
  kind: 'transform',
  type: 'look_up',
  summary: 'Reads a side input.',
  options: option.object({
    source: option.optional(option.text('Its id.')),
    file: option.optional(option.path('Its file.')),
  }),
  stateful: true,
  sideInputs: ({ source, file }) => ({
    side: source
      ? { source }
      : {
          type: 'lines',
          config: { path: file! },
          schema: { fields: { id: { type: { kind: 'string' }, optional: false } } },
        },
  }),
  infer: (_, { input }) => ({ output: input, problems: [] }),
  create: never,
})

/** One result at the end. */
const count = defineTransform({
  kind: 'transform',
  type: 'count',
  summary: 'Counts.',
  options: option.object({ window: option.optional(option.duration('By time.')) }),
  needsEnd: ({ window }) => window === undefined,
  infer: () => ({ output: { fields: { n: { type: { kind: 'integer' }, optional: false } } }, problems: [] }),
  create: never,
})

const definitions: readonly Definition[] = [count, lines, feed, store, printer, pick, split, lookUp]
export const registry = registryOf(
  definitions.map((definition) => ({ definition, package: `made-${definition.kind}` })),
)

/** A spec with everything filled in that a test does not care about. */
export const spec = (text: string, source = 'type: lines, config: { path: in.csv }'): string => `version: 1
name: made
${/^sources?:/m.test(text) ? '' : `source: { ${source}, schema: { fields: { a: string, b: integer, c: "integer?" } } }\n`}${text}
${/^sinks:/m.test(text) ? '' : 'sinks: { out: { type: console } }'}`

/** Writes the files, reads and checks pipeline.yaml, and removes the folder again. */
export async function checkFiles(
  files: Readonly<Record<string, string | Uint8Array>>,
  options: Partial<ProjectOptions> & Planning = {},
) {
  const root = mkdtempSync(join(tmpdir(), 'millrace-check-'))
  try {
    for (const [name, text] of Object.entries({ 'millrace.yaml': '{}', ...files })) {
      mkdirSync(dirname(join(root, name)), { recursive: true })
      writeFileSync(join(root, name), text)
    }
    const project = await readProject({ spec: join(root, 'pipeline.yaml'), env: {}, ...options })
    const { findings, plan } = check(project, registry, options)
    return {
      project,
      plan: plan!,
      findings,
      found: findings.map((f) => `${f.code} ${f.file === 'pipeline.yaml' ? '' : `${f.file}:`}${f.line}:${f.col}`),
    }
  } finally {
    rmSync(root, { recursive: true })
  }
}

/** The same for a single spec. */
export const checkSpec = (text: string, options: Partial<ProjectOptions> & Planning = {}) =>
  checkFiles({ 'pipeline.yaml': text }, options)
