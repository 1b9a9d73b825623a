/** Shows one case: its spec, its input, what was expected and found; and a smaller one with the same fault. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Case } from './case.ts'
import { featuresOf } from './features.ts'
import { playEdit } from './edits/case.ts'
import { knownFault, knownFaultOfEdit } from './known.ts'
import { playCase, playNumber, type Verdict } from './play/case.ts'
import type { Death } from './play/life.ts'
import { lineOf } from './project/input.ts'
import { planOf } from './project/root.ts'
import { specOf } from './project/spec.ts'
import { shrink } from './shrink.ts'
import { makeFolder } from './folder.ts'

/** Returns the exit code. */
export async function showCase(
  seed: number,
  number: number,
  death: Death | undefined,
  shrinks: boolean,
): Promise<number> {
  const root = makeFolder()
  process.on('unhandledRejection', () => {})
  try {
    const { graph, verdicts, crash } = await playNumber(root, seed, number, death)
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

/** Shows one edit: the spec before and after it, and what became of it. Returns the exit code. */
export async function showEdit(seed: number, number: number): Promise<number> {
  const root = makeFolder()
  process.on('unhandledRejection', () => {})
  try {
    const result = await playEdit(root, seed, number)
    const { graph, edit, paused, outcome, error, faults } = result
    showGraph(graph)
    console.log(`\nedited when it was ${paused}: ${edit.class}${edit.of ? ` (${edit.of})` : ''}\n`)
    console.log(specOf(edit.graph))
    console.log(`${outcome}${error ? `: ${error}` : ''}`)
    for (const fault of faults) {
      const known = knownFaultOfEdit(fault, result)
      console.log(`  ${fault.wrong}${fault.at ? ` at ${fault.at}` : ''}${known ? ` (${known})` : ''}: ${fault.text}`)
    }
    return faults.length > 0 ? 1 : 0
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

/** A smaller case with the first fault of the verdict. */
async function smaller(
  root: string,
  graph: Case,
  faulty: Verdict,
  death: Death | undefined,
): Promise<{ graph: Case; verdict: Verdict }> {
  const nameOf = (of: Case, verdict: Verdict) =>
    verdict.faults.map((fault) => knownFault(fault, of, verdict) ?? fault.wrong)
  const wanted = nameOf(graph, faulty)[0]!
  let verdict = faulty
  const found = await shrink(graph, async (candidate) => {
    const { plan } = await planOf(join(root, 'check'), candidate)
    if (!plan) return false
    const played = await playCase(root, candidate, plan, death, faulty.how === 'undisturbed')
    const again = played.verdicts.find(({ how }) => how === faulty.how)
    if (!again || !nameOf(candidate, again).includes(wanted)) return false
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
  const { how, deaths, faults, played } = verdict
  const ends = deaths.map(({ point, time }) => `${point}:${time}`).join(', ')
  console.log(`\n${how}${ends ? `: dies at ${ends}` : ''}`)
  for (const { why, error } of played?.pauses ?? [])
    console.log(`  ${why}${error ? `: ${error.code}: ${error.message}` : ''}`)
  for (const fault of faults) {
    const known = knownFault(fault, graph, verdict)
    console.log(`  ${fault.wrong}${fault.at ? ` at ${fault.at}` : ''}${known ? ` (${known})` : ''}: ${fault.text}`)
  }
}
