/** Runs and prints one case. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Case } from './case.ts'
import { featuresOf } from './features.ts'
import { runEdit } from './edits/case.ts'
import { runReplayNumber } from './replays/case.ts'
import { runCase, runNumber, type Verdict } from './run/case.ts'
import type { Kill } from './run/process.ts'
import { lineOf } from './project/input.ts'
import { planOf } from './project/root.ts'
import { specOf } from './project/spec.ts'
import { shrink } from './shrink.ts'
import { makeFolder } from './folder.ts'

/** Returns the exit code. */
export async function showCase(
  seed: number,
  number: number,
  kill: Kill | undefined,
  shrinks: boolean,
): Promise<number> {
  const root = makeFolder()
  process.on('unhandledRejection', () => {})
  try {
    const { graph, verdicts, crash } = await runNumber(root, seed, number, kill)
    showGraph(graph)
    for (const verdict of verdicts) showVerdict(graph, verdict)
    const faulty = verdicts.find(({ faults }) => faults.length > 0)
    if (!faulty) return 0
    if (shrinks) {
      const isCrash = faulty.how === 'crashed'
      const small = await smaller(root, graph, faulty, isCrash ? crash : undefined)
      console.log('\nsmaller:\n')
      showGraph(small.graph)
      showRecords(small.graph)
      showVerdict(small.graph, small.verdict)
    }
    return 1
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

/** Runs and prints one edit. Returns the exit code. */
export async function showEdit(seed: number, number: number): Promise<number> {
  const root = makeFolder()
  process.on('unhandledRejection', () => {})
  try {
    const result = await runEdit(root, seed, number)
    const { graph, edit, paused, outcome, error, faults } = result
    showGraph(graph)
    console.log(`\nedited after it was ${paused}: ${edit.class}${edit.of ? ` (${edit.of})` : ''}\n`)
    console.log(specOf(edit.graph))
    console.log(`${outcome}${error ? `: ${error}` : ''}`)
    for (const fault of faults) {
      console.log(`  ${fault.kind}${fault.at ? ` at ${fault.at}` : ''}: ${fault.text}`)
    }
    return faults.length > 0 ? 1 : 0
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

/** Runs and prints one replay. Returns the exit code. */
export async function showReplay(seed: number, number: number): Promise<number> {
  const root = makeFolder()
  process.on('unhandledRejection', () => {})
  try {
    const { graph, edit, killed, outcome, error, outcomes, faults } = await runReplayNumber(root, seed, number)
    showGraph(graph)
    console.log(`\nedited: ${edit.class}${edit.of ? ` (${edit.of})` : ''}\n`)
    console.log(specOf(edit.graph))
    for (const u of edit.bytes) console.log(`the bytes of ${u} are mended`)
    console.log(`${killed ? 'killed and repeated, ' : ''}${outcome}${error ? `: ${error}` : ''}`)
    for (const [letter, expected] of outcomes) console.log(`  ${letter}: ${expected}`)
    for (const fault of faults) {
      console.log(`  ${fault.kind}${fault.at ? ` at ${fault.at}` : ''}: ${fault.text}`)
    }
    return faults.length > 0 ? 1 : 0
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

/** Shrinks the case while it shows the first fault of the verdict. */
async function smaller(
  root: string,
  graph: Case,
  faulty: Verdict,
  kill: Kill | undefined,
): Promise<{ graph: Case; verdict: Verdict }> {
  const kindsOf = (verdict: Verdict) => verdict.faults.map((fault) => fault.kind)
  const wanted = kindsOf(faulty)[0]!
  let verdict = faulty
  const found = await shrink(graph, async (candidate) => {
    const { plan } = await planOf(join(root, 'check'), candidate)
    if (!plan) return false
    const result = await runCase(root, candidate, plan, kill, faulty.how === 'undisturbed')
    const again = result.verdicts.find(({ how }) => how === faulty.how)
    if (!again || !kindsOf(again).includes(wanted)) return false
    verdict = again
    return true
  })
  return { graph: found, verdict }
}

function showGraph(graph: Case): void {
  console.log(specOf(graph))
  console.log(`${featuresOf(graph).join(', ')}\n`)
  for (const source of graph.sources)
    for (const { name, records } of source.splits) console.log(`${source.id} ${name}: ${records.length} records`)
}

function showRecords({ sources }: Case): void {
  for (const source of sources)
    for (const { name, records } of source.splits)
      for (const record of records.slice(0, 20)) {
        const line = lineOf(source.kind, 0, record).trim()
        console.log(`${source.id} ${name} ${record.round === 1 ? '(later) ' : ''}${record.id ?? ''} ${line}`)
      }
}

function showVerdict(graph: Case, verdict: Verdict): void {
  const { how, kills, faults, trace } = verdict
  const ends = kills.map(({ point, time }) => `${point}:${time}`).join(', ')
  console.log(`\n${how}${ends ? `: killed at ${ends}` : ''}`)
  for (const { why, error } of trace?.observations ?? [])
    console.log(`  ${why}${error ? `: ${error.code}: ${error.message}` : ''}`)
  for (const fault of faults) {
    console.log(`  ${fault.kind}${fault.at ? ` at ${fault.at}` : ''}: ${fault.text}`)
  }
}
