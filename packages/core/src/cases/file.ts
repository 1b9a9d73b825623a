/** Reads a test file: what it says about the spec, and its cases, whose records are read when the spec is known. */
import { basename, dirname, resolve } from 'node:path'
import { fromJson } from '../convert/index.ts'
import { closest, DataError } from '../errors/index.ts'
import { createReport, type Finding, type Report } from '../spec/finding.ts'
import { projectRoot, readYamlFile } from '../spec/project.ts'
import { readKeys } from '../spec/read.ts'
import { entryOf, lineAndColumn, type MapEntry, type ScalarNode, type SourceFile, type SpecNode } from '../spec/tree.ts'
import { caseShape, testFileShape } from './shape.ts'

/** One of `tests:`. */
export interface Case {
  readonly name: string
  /** Its place in the list, from 0. */
  readonly index: number
  /** Where it is in the file, 1-based. */
  readonly line: number
  readonly col: number
  /** The time at which it begins, ms UTC. */
  readonly clockMs: number
  readonly node: SpecNode
  readonly given: MapEntry | undefined
  readonly expect: MapEntry | undefined
  /** It is repeated and killed at every point. */
  readonly crashes: boolean
}

/** A test file as read. */
export interface TestFile {
  /** Absolute. */
  readonly path: string
  readonly file: SourceFile
  readonly root: string
  /** The spec file, absolute. */
  readonly spec: string
  readonly profile?: string
  readonly vars: Readonly<Record<string, string>>
  readonly env: Readonly<Record<string, string>>
  readonly cases: readonly Case[]
  readonly findings: readonly Finding[]
}

/** Reads a test file. Never throws because of its content. */
export async function readTestFile(path: string): Promise<TestFile> {
  const absolute = resolve(path)
  const root = await projectRoot(dirname(absolute))
  const report = createReport()
  const { file, tree } = await readYamlFile(root, absolute, report)
  const beside = (name: string) => resolve(dirname(absolute), name)
  const named = beside(basename(absolute).replace(/\.test(\.ya?ml)$/, '$1'))
  const made = { path: absolute, file, root, spec: named, vars: {}, env: {}, cases: [] }
  if (!tree) return { ...made, findings: report.findings() }
  const { keys, values } = readKeys(tree, testFileShape, '', report)
  const { spec, profile } = values
  return {
    ...made,
    ...(typeof spec === 'string' ? { spec: beside(spec) } : {}),
    ...(typeof profile === 'string' ? { profile } : {}),
    vars: textsOf(keys.get('vars'), report),
    env: textsOf(keys.get('env'), report),
    cases: readCases(keys.get('tests'), tree, report),
    findings: report.findings(),
  }
}

/** A map of names to values, as text. */
function textsOf(entry: MapEntry | undefined, report: Report): Record<string, string> {
  if (!entry) return {}
  const { value: node, key } = entry
  if (node.kind !== 'map') {
    report('wrong_type', node.place, key, `\`${key}\` must be a map of names`, { expected: 'a map' })
    return {}
  }
  return Object.fromEntries(
    node.entries.flatMap((each): [string, string][] => {
      if (each.value.kind === 'scalar') return [[each.key, each.value.text]]
      report('wrong_type', each.value.place, `${key}.${each.key}`, 'this must be a single value')
      return []
    }),
  )
}

function readCases(entry: MapEntry | undefined, tree: SpecNode, report: Report): Case[] {
  if (entry?.value.kind !== 'list') {
    const place = entry?.value.place ?? { ...tree.place, end: tree.place.start }
    if (entry) report('wrong_type', place, 'tests', '`tests` must be a list', { expected: 'a list of cases' })
    else if (!(tree.kind === 'map' && tree.entries.some(({ key }) => closest(key, ['tests']))))
      report('missing_key', place, '', '`tests` is missing', { hint: 'for example tests: [{ name: ..., given: ... }]' })
    return []
  }
  const names = new Set<string>()
  return entry.value.items.map((node, index) => {
    const path = `tests[${index}]`
    const { keys, values } = readKeys(node, caseShape, path, report)
    const name = String(values['name'] ?? `${index + 1}`)
    const nameNode = entryOf(node, 'name')?.value ?? node
    if (names.has(name))
      report('bad_value', nameNode.place, `${path}.name`, `another case is called \`${name}\``, { hint: 'rename it' })
    names.add(name)
    return {
      name,
      index,
      ...lineAndColumn(nameNode.place.file, nameNode.place.start),
      clockMs: readTime(keys.get('clock')?.value, String(values['clock']), `${path}.clock`, report),
      node,
      given: keys.get('given'),
      expect: keys.get('expect'),
      crashes: values['crash'] === 'every',
    }
  })
}

const timeOf = fromJson({ kind: 'timestamp' })

/** A point in time, ms UTC; 0 if it was reported. */
export function readTime(node: SpecNode | undefined, text: string, path: string, report: Report): number {
  try {
    return timeOf(text) as number
  } catch (error) {
    if (!(error instanceof DataError)) throw error
    if (node) report('bad_value', node.place, path, error.message, { expected: 'a time as 2026-01-31T12:00:00Z' })
    return 0
  }
}

/** The text of a scalar. */
export const isText = (node: SpecNode | undefined): node is ScalarNode =>
  node?.kind === 'scalar' && typeof node.value === 'string'
