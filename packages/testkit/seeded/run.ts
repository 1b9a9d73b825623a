/**
 * `npm run seeded [-- NAME]`: each seeded bug must make its test fail, and without a bug each test must pass. Exit code
 * 1 if one is not detected. `NAME`: a part of a bug's name, or of the path of its test.
 */
import { spawn } from 'node:child_process'
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { seededBugs, type SeededBug } from './bugs.ts'

const repository = fileURLToPath(new URL('../../../', import.meta.url))

/**
 * Copies the sources to where nobody else sees what is done to them. Installed packages are linked, ours are the
 * copy's.
 */
function copySources(to: string): void {
  for (const name of globSync('*.{json,ts}', { cwd: repository })) cpSync(join(repository, name), join(to, name))
  // Vitest builds the console before any test.
  cpSync(join(repository, 'scripts'), join(to, 'scripts'), { recursive: true })
  for (const name of readdirSync(join(repository, 'packages'))) {
    for (const part of ['src', 'test', 'bin', 'templates', 'package.json', 'tsconfig.json', 'index.html', 'icon.svg']) {
      const from = join(repository, 'packages', name, part)
      if (existsSync(from)) cpSync(from, join(to, 'packages', name, part), { recursive: true })
    }
  }
  const installed = join(repository, 'node_modules')
  mkdirSync(join(to, 'node_modules', '@millrace'), { recursive: true })
  for (const name of readdirSync(installed))
    if (name !== '@millrace') symlinkSync(join(installed, name), join(to, 'node_modules', name))
  for (const name of readdirSync(join(to, 'packages')))
    symlinkSync(join(to, 'packages', name), join(to, 'node_modules', '@millrace', name))
}

interface TestRun {
  readonly passed: number
  readonly failed: number
  readonly messages: string
}

/** Runs the tests of a file whose names hold `name`. */
async function runTest(folder: string, [file, name]: SeededBug['test']): Promise<TestRun> {
  const report = join(folder, 'report.json')
  rmSync(report, { force: true })
  const words = [
    join(repository, 'node_modules/vitest/vitest.mjs'),
    'run',
    file,
    '-t',
    name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'),
    '--reporter=json',
    `--outputFile=${report}`,
  ]
  const child = spawn(process.execPath, words, {
    cwd: folder,
    stdio: 'ignore',
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve))
  const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as {
    testResults: { message?: string; assertionResults: { status: string; failureMessages: string[] }[] }[]
  }
  const results = testResults.flatMap((result) => result.assertionResults)
  return {
    passed: results.filter(({ status }) => status === 'passed').length,
    failed: results.filter(({ status }) => status === 'failed').length,
    messages: [
      ...results.flatMap((result) => result.failureMessages),
      ...testResults.map((result) => result.message ?? ''),
    ].join('\n'),
  }
}

async function main(only: string | undefined): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-seeded-'))
  let missed = 0
  const tell = (bug: SeededBug, what: string) => console.log(`${what.padEnd(6)} ${bug.name}: ${bug.test[1]}`)
  try {
    copySources(folder)
    const bugs = seededBugs.filter(({ name, test }) => !only || name.includes(only) || test[0].includes(only))
    /** Of several bugs that the same test sees, it is run once without any. */
    const withoutBug = new Map<string, TestRun>()
    for (const bug of bugs) {
      const test = bug.test.join()
      const right = withoutBug.get(test) ?? (await runTest(folder, bug.test))
      withoutBug.set(test, right)
      const path = join(folder, bug.file)
      const source = readFileSync(path, 'utf8')
      writeFileSync(path, seed(source, bug))
      const wrong = await runTest(folder, bug.test)
      writeFileSync(path, source)
      if (right.failed > 0 || right.passed === 0) {
        tell(bug, 'BROKEN')
        if (right.passed === 0 && right.failed === 0) console.log('there is no test of that name')
      } else if (wrong.failed === 0) tell(bug, 'MISSED')
      else if (!bug.says.test(wrong.messages)) tell(bug, 'OTHER')
      else {
        tell(bug, 'seen')
        continue
      }
      missed++
      console.log((right.failed ? right : wrong).messages.slice(0, 1500))
    }
    console.log(
      missed
        ? `${missed} of ${bugs.length} seeded bugs were not seen as they should be`
        : `all ${bugs.length} seeded bugs were seen`,
    )
    return missed ? 1 : 0
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The source with the bug in it. Throws unless each place occurs exactly once: the bug must follow the code. */
export function seed(source: string, bug: SeededBug): string {
  let text = source
  for (const [from, to] of bug.edits) {
    const parts = text.split(from)
    if (parts.length !== 2)
      throw new Error(
        `the seeded bug "${bug.name}" finds its place in ${bug.file} ${parts.length - 1} times; it must be once: ${from}`,
      )
    text = parts.join(to)
  }
  return text
}

if (import.meta.main) process.exitCode = await main(process.argv[2])
