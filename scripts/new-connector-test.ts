/**
 * `npm run test:connector`: proves that a connector made outside this repository works. All packages are packed as they
 * would be published and installed in a blank project; `pipe new connector` makes a source and a sink in separate
 * folders; each is type-checked against the installed core, passes its contract suite, is packed, installed in the
 * project, and runs by its name in a spec. Only third-party packages come from the registry.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from './pipe.ts'

const work = mkdtempSync(join(tmpdir(), 'millrace-connector-'))
const tarballs = join(work, 'tarballs')
const project = join(work, 'project')
const own = join(work, 'own')

/** What the command does not include. */
const drivers = ['kafka', 'mongodb'].flatMap((system) =>
  ['client', 'source', 'sink'].map((role) => `${role}-${system}`),
)

const kafkaSpec = `version: 1
name: events
source:
  type: kafka
  config: { brokers: ["127.0.0.1:9092"], stream: events }
  schema: { fields: { id: integer } }
sinks:
  kept: { type: files, config: { path: out-kafka } }
`

const spec = `version: 1
name: acme
source:
  type: acme-orders
  config: { records: 250 }
  schema: { fields: { id: integer, name: string } }
sinks:
  kept: { type: acme-orders, config: { folder: out } }
`

try {
  proveIt()
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`)
  process.exitCode = 1
} finally {
  rmSync(work, { recursive: true, force: true })
}

function proveIt(): void {
  for (const folder of [tarballs, project, own]) mkdirSync(folder)
  step('packing all packages', () => {
    run(root, 'npm', ['run', '--silent', 'build'])
    run(root, 'npm', ['pack', '--workspaces', '--silent', '--pack-destination', tarballs])
  })
  step('installing the command in a blank project', () => {
    writeFileSync(join(project, 'package.json'), '{ "name": "blank", "private": true, "type": "module" }\n')
    install(project, packed(['testkit', ...drivers]))
  })
  for (const kind of ['source', 'sink'] as const) {
    const name = `millrace-${kind}-acme-orders`
    const folder = join(own, name)
    step(`${kind}: pipe new connector acme-orders`, () =>
      run(own, join(project, 'node_modules/.bin/pipe'), ['new', 'connector', 'acme-orders', `--${kind}`]),
    )
    step(`${kind}: its types hold against the packed core`, () => {
      // Not saved: its package.json keeps naming versions, as it would be published.
      install(folder, ['--no-save', ...['core', 'testkit'].map(tarball)])
      run(folder, 'npx', ['tsc'])
    })
    step(`${kind}: its contract suite is green`, () =>
      process.stdout.write(lastLines(run(folder, 'npm', ['test', '--silent']))),
    )
    step(`${kind}: packed and installed in the project`, () => {
      run(folder, 'npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', tarballs])
      install(project, [join(tarballs, `${name}-0.1.0.tgz`)])
    })
  }
  step('both run by name in a spec', () => {
    writeFileSync(join(project, 'orders.yaml'), spec)
    process.stdout.write(run(project, 'npx', ['pipe', 'run', 'orders.yaml']))
    const kept = readdirSync(join(project, 'out')).map(
      (file) => (JSON.parse(readFileSync(join(project, 'out', file), 'utf8')) as { id: number }).id,
    )
    if (kept.length !== 250 || new Set(kept).size !== 250)
      throw new Error(`250 records were read, ${kept.length} are kept`)
  })
  step('its options, of TypeBox and of ours, are described', () => {
    const described = run(project, 'npx', ['pipe', 'describe', 'acme-orders'])
    if (
      !described.includes('records  (integer, default 100)') ||
      !described.includes('page_size  (integer, default 1000)')
    )
      throw new Error(described)
  })
  step('Kafka is a finding that names its package, until it is installed', () => {
    writeFileSync(join(project, 'kafka.yaml'), kafkaSpec)
    const found = run(project, 'npx', ['pipe', 'check', 'kafka.yaml', '--json'], 2)
    if (!found.includes('@millrace/source-kafka')) throw new Error(found)
    install(project, ['formats', 'kinds', 'client-kafka', 'source-kafka'].map(tarball))
    run(project, 'npx', ['pipe', 'check', 'kafka.yaml'])
  })
  step('a missing connector is a finding that names its package', () => {
    writeFileSync(join(project, 'missing.yaml'), spec.replace('type: acme-orders', 'type: acme-returns'))
    const found = run(project, 'npx', ['pipe', 'check', 'missing.yaml', '--json'], 2)
    if (!found.includes('millrace-source-acme-returns')) throw new Error(found)
  })
  step('an error made by its own copy of core is understood: what can pass is tried again', () => {
    const client = join(project, 'node_modules/millrace-source-acme-orders/dist/client.js')
    const failing =
      "{ if (!globalThis.tried) { globalThis.tried = true; throw new SystemError('refused', 'not yet', { retry: true }) }"
    writeFileSync(
      client,
      `import { SystemError } from '@millrace/core'\n${readFileSync(client, 'utf8').replace('{', failing)}`,
    )
    const summary = JSON.parse(run(project, 'npx', ['pipe', 'run', 'orders.yaml', '--json'])) as {
      balances: boolean
      counters: { sources: { source: { read: number } } }
    }
    if (!summary.balances || summary.counters.sources.source.read !== 250) throw new Error(JSON.stringify(summary))
  })
  process.stdout.write('\nA connector from outside works.\n')
}

function step(what: string, work: () => void): void {
  const startMs = performance.now()
  process.stdout.write(`${what}\n`)
  work()
  process.stdout.write(`  done in ${((performance.now() - startMs) / 1000).toFixed(1)} s\n`)
}

/** Runs a command and returns its output; throws with all of it when the exit code is not `expected`. */
function run(cwd: string, command: string, args: readonly string[], expected = 0): string {
  try {
    return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  } catch (error) {
    const { status, stdout, stderr } = error as { status: number; stdout: string; stderr: string }
    if (status === expected) return stdout
    throw new Error(`${command} ${args.join(' ')} ended with ${status}:\n${stdout}\n${stderr}`, { cause: error })
  }
}

function tarball(name: string): string {
  return join(tarballs, `millrace-${name}-0.1.0.tgz`)
}

/**
 * Tarballs of all packages but some. Installed together, they satisfy each other's versions, so the registry is asked
 * for none of them.
 */
function packed(without: readonly string[]): string[] {
  return readdirSync(tarballs)
    .filter((file) => !without.some((name) => file === `millrace-${name}-0.1.0.tgz`))
    .map((file) => join(tarballs, file))
}

function install(cwd: string, files: readonly string[]): void {
  run(cwd, 'npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', ...files])
}

function lastLines(text: string): string {
  return `${text.trimEnd().split('\n').slice(-5).join('\n')}\n`
}
