/** Runs the examples of errors and keeps what they print. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { check, type Finding, loadRegistry, readProject, wantedBy } from '../../packages/core/src/index.ts'
import { builtins } from '../../packages/cli/src/builtins.ts'
import { main, processIo } from '../../packages/cli/src/index.ts'
import { printFindings } from '../../packages/cli/src/print/finding.ts'
import { madeConnectors } from '../../test/corpus/connectors.ts'
import { type Mend, mends } from '../../test/corpus/mends.ts'
import type { Example, Files } from './examples.ts'

const corpus = resolve(import.meta.dirname, '../../test/corpus')

const here = processIo()

/** The outcome: what was printed, and the codes in it. */
export interface Shown {
  readonly code: number
  readonly printed: string
}

/** In memory where the system supports it: no example depends on what a disk keeps. */
const folders = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

/** Runs in a fresh folder, which is removed afterwards. */
async function inFolder<T>(body: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(folders, 'millrace-errors-'))
  try {
    return await body(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function put(folder: string, files: Files): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), content)
  }
}

/** What the command prints, without what differs on each run. */
async function pipe(line: string, cwd: string): Promise<Shown> {
  let printed = ''
  const keep = (text: string) => void (printed += text)
  const code = await main(line.split(' '), {
    ...here,
    cwd,
    env: {},
    terminal: false,
    out: keep,
    err: keep,
    stopSignal: () => new AbortController().signal,
  })
  return { code, printed: printed.replaceAll(`${cwd}/`, '').replaceAll(cwd, '.') }
}

type ShownExample = { readonly wrong: Shown; readonly right: Shown }

/** An example and its fix. One after the other: many runs in one process would wait for each other's disk syncs. */
export function shown(example: Example): Promise<ShownExample> {
  const next = underWay.then(() => runExample(example))
  underWay = next.catch(() => undefined)
  return next
}
let underWay: Promise<unknown> = Promise.resolve()

const runExample = (example: Example): Promise<ShownExample> =>
  inFolder(async (folder) => {
    put(folder, example.files)
    let wrong: Shown = { code: 0, printed: '' }
    for (const step of example.run) {
      if (typeof step === 'string') wrong = await pipe(step, folder)
      else put(folder, step)
    }
    put(folder, example.mend.files ?? {})
    let right = wrong
    for (const line of example.mend.run ?? [example.run.at(-1) as string]) right = await pipe(line, folder)
    return { wrong, right }
  })

/** The text of a spec of the corpus, as it is and fixed. */
export function specOf(mend: Mend): { readonly wrong: string; readonly right: string } {
  const wrong = readFileSync(join(corpus, 'specs', `${mend.spec}.yaml`), 'utf8')
  const right = wrong
    .split('\n')
    .flatMap((line, i) => {
      const other = mend.lines?.[i + 1]
      return other === undefined ? [line] : other === null ? [] : [other]
    })
    .join('\n')
  return { wrong, right }
}

interface Given {
  readonly profile?: string
  readonly set: Readonly<Record<string, string>>
  readonly env: Readonly<Record<string, string>>
}

/** How a spec of the corpus says that it must be checked. */
function givenBy(text: string): Given {
  const all = (key: string) => [...text.matchAll(new RegExp(`^# ${key}: (.*)$`, 'gm'))].map((m) => m[1]!)
  const pairs = (key: string) => Object.fromEntries(all(key).map((pair) => pair.split('=') as [string, string]))
  const [profile] = all('profile')
  return { ...(profile ? { profile } : {}), set: pairs('set'), env: pairs('env') }
}

async function findingsOf(root: string, spec: string, given: Given): Promise<readonly Finding[]> {
  const project = await readProject({ spec, root, profile: given.profile, set: given.set, env: given.env })
  const registry = await loadRegistry({
    root: project.root,
    builtins: [...builtins, ...madeConnectors],
    wanted: wantedBy(project),
  })
  return check(project, registry).findings
}

const textAt = (path: string): string | undefined =>
  statSync(path, { throwIfNoEntry: false })?.isFile() ? readFileSync(path, 'utf8') : undefined

/** What the check reports for a spec of the corpus, and for the fixed one. */
export const shownFinding = (
  code: string,
): Promise<{ readonly printed: string; readonly before: readonly Finding[]; readonly after: readonly Finding[] }> =>
  inFolder(async (folder) => {
    for (const name of ['millrace.yaml', 'pipelines', 'profiles', 'schemas'])
      cpSync(join(corpus, name), join(folder, name), { recursive: true })
    const mend = mends[code]!
    const { wrong, right } = specOf(mend)
    const given = givenBy(wrong)
    const path = join(folder, 'spec.yaml')
    writeFileSync(path, wrong)
    const before = await findingsOf(folder, path, given)
    let printed = ''
    const io = { ...here, err: (text: string) => void (printed += text) }
    const own = before.filter((finding) => finding.code === code).slice(0, 1)
    printFindings(own, 'text', io, (file) => textAt(join(folder, file)))
    writeFileSync(path, right)
    put(folder, mend.files ?? {})
    const { profile = given.profile } = mend
    const after = await findingsOf(folder, path, {
      ...(profile ? { profile } : {}),
      set: mend.set ?? given.set,
      env: { ...given.env, ...mend.env },
    })
    return { printed: printed.trimEnd(), before, after }
  })
