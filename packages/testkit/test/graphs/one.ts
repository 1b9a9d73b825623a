/** Shows one case: its spec, its input, what was expected and found. */
import { rmSync } from 'node:fs'
import { featuresOf } from './features.ts'
import { knownFault } from './known.ts'
import { playNumber, type Verdict } from './play/case.ts'
import type { Case } from './case.ts'
import type { Death } from './play/life.ts'
import { specOf } from './project/spec.ts'
import { makeFolder } from './worker.ts'

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
    const { graph, verdicts } = await playNumber(root, seed, number, death)
    console.log(specOf(graph))
    console.log(featuresOf(graph).join(', '))
    for (const source of graph.sources)
      for (const { name, records } of source.splits) console.log(`${source.id} ${name}: ${records.length} records`)
    for (const verdict of verdicts) showVerdict(graph, verdict)
    void shrinks
    return verdicts.some(({ faults }) => faults.length > 0) ? 1 : 0
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

function showVerdict(graph: Case, verdict: Verdict): void {
  const { how, deaths, faults, played } = verdict
  console.log(
    `\n${how}${deaths.length > 0 ? `: dies at ${deaths.map(({ point, time }) => `${point}:${time}`).join(', ')}` : ''}`,
  )
  for (const { why, error } of played?.pauses ?? [])
    console.log(`  ${why}${error ? `: ${error.code}: ${error.message}` : ''}`)
  for (const fault of faults) {
    const known = knownFault(fault, graph, verdict)
    console.log(`  ${fault.wrong}${fault.at ? ` at ${fault.at}` : ''}${known ? ` (${known})` : ''}: ${fault.text}`)
  }
}
