/**
 * Wrong specs, one mistake each, and the exact findings: code, line, column. Each file states at its top what must be
 * found (`# finding: code line:col`, or `code file:line:col` if it is in another file) and how it is checked
 * (`# profile:`, `# set:`, `# env:`).
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { builtins } from '../../packages/cli/src/builtins.ts'
import {
  check,
  type Finding,
  catalogueParts,
  loadRegistry,
  readProject,
  wantedBy,
} from '../../packages/core/src/index.ts'
import { pageFindings } from '../../packages/core/src/errors/page-findings.ts'
import { madeConnectors } from './connectors.ts'
import { cutNetwork } from './offline.ts'

const folder = join(import.meta.dirname, 'specs')
const names = readdirSync(folder).toSorted()
const tried = cutNetwork()

interface Expected {
  readonly findings: readonly string[]
  readonly profile?: string
  readonly set: Record<string, string>
  readonly env: Record<string, string>
}

function expectedOf(text: string): Expected {
  const lines = [...text.matchAll(/^# (\w+): (.*)$/gm)].map(([, key, value]) => [key!, value!] as const)
  const all = (key: string) => lines.filter(([each]) => each === key).map(([, value]) => value)
  const pairs = (key: string) =>
    Object.fromEntries(all(key).map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]))
  const [profile] = all('profile')
  return { findings: all('finding'), ...(profile ? { profile } : {}), set: pairs('set'), env: pairs('env') }
}

async function findingsOf(path: string, more: Partial<Expected> = {}): Promise<readonly Finding[]> {
  const project = await readProject({
    spec: path,
    root: import.meta.dirname,
    profile: more.profile,
    set: more.set ?? {},
    env: more.env ?? {},
  })
  const registry = await loadRegistry({
    root: project.root,
    builtins: [...builtins, ...madeConnectors],
    wanted: wantedBy(project),
  })
  const { findings, plan } = check(project, registry)
  expect(plan === undefined).toBe(findings.some((finding) => finding.severity === 'error'))
  return findings
}

const placeOf = ({ code, file, line, col }: Finding, spec: string): string =>
  `${code} ${file === spec ? '' : `${file}:`}${line}:${col}`

/** What a finding is about: `where` for a step of that verb, `source.config`, `sinks`, `runs`. */
function nodeKind({ path }: Finding): string {
  const [, step, list, part, word] = /^(?:steps\[\d+\]\.?(\w*)|(source|sink)(?:s\.[\w-]+)?(\.\w+)|(\w*))/.exec(path)!
  return step === undefined ? (list ? list + part : word!) : `step ${step}`
}

const found = new Map<string, readonly Finding[]>()

describe('a wrong spec', () => {
  it.each(names)('%s', async (name) => {
    const expected = expectedOf(readFileSync(join(folder, name), 'utf8'))
    const findings = await findingsOf(join(folder, name), expected)
    found.set(name, findings)
    expect(findings.map((finding) => placeOf(finding, `specs/${name}`)).toSorted()).toEqual(
      [...expected.findings].toSorted(),
    )
    for (const { message, hint } of findings)
      expect(message.length > 10 && (hint === undefined || hint.length > 3)).toBe(true)
  })
})

describe('a hostile file is refused in under a second', () => {
  let made: string
  beforeAll(() => {
    made = mkdtempSync(join(tmpdir(), 'millrace-corpus-'))
  })
  afterAll(() => rmSync(made, { recursive: true }))

  it.each([
    ['2 kB of nested brackets', 'yaml_too_deep', '['.repeat(2_048)],
    ['2 kB of nested maps', 'yaml_too_deep', '{a: '.repeat(512)],
    ['10 MB', 'yaml_too_large', 'a: b\n'.repeat(2_097_152)],
    ['not UTF-8', 'not_utf8', Buffer.from('name: caf\xe9\n', 'latin1')],
    ['an alias bomb', 'yaml_too_many_aliases', readFileSync(join(folder, 'yaml-too-many-aliases.yaml'))],
  ])('%s', async (name, code, text) => {
    const path = join(made, 'spec.yaml')
    writeFileSync(path, text)
    const startedMs = performance.now()
    const findings = await findingsOf(path)
    expect(performance.now() - startedMs).toBeLessThan(1_000)
    expect(findings.map((finding) => finding.code)).toContain(code)
    found.set(name, findings)
  })
})

describe('the corpus', () => {
  it('has every code of the catalogue that a check can find', () => {
    const codes = new Set([...found.values()].flat().map((finding) => finding.code))
    // Those of pages are found in packages/cli/test/wrong-pages.test.ts.
    const ofSpecs = Object.keys(catalogueParts.finding).filter((code) => !Object.hasOwn(pageFindings, code))
    expect(ofSpecs.filter((code) => !codes.has(code))).toEqual([])
  })

  it('has no two specs with the same code at the same kind of node', () => {
    const seen = new Map<string, string>()
    const twice: string[] = []
    for (const name of names) {
      const [first] = found.get(name) ?? []
      if (!first) continue
      const key = `${first.code} ${nodeKind(first)}`
      const other = seen.get(key)
      if (other) twice.push(`${key}: ${basename(other)}, ${basename(name)}`)
      else seen.set(key, name)
    }
    expect(twice).toEqual([])
  })

  it('was checked without the network', () => {
    expect(tried).toEqual([])
  })
})
