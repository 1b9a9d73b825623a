/** What came of a case, in a form that is sent between processes. */
import { featuresOf } from './features.ts'
import { playEdit } from './edits/case.ts'
import { knownFault, knownFaultOfEdit } from './known.ts'
import { predict, stopsOf } from './model/index.ts'
import { killNumber, playNumber } from './play/case.ts'
import type { Death } from './play/life.ts'

/** A case to be played. */
export interface Ask {
  readonly seed: number
  readonly number: number
  /** The bundled command, where it is to be killed; see command.ts. */
  readonly pipe?: string
  /** The spec is edited under way; see edits/. */
  readonly edits?: boolean
}

/** What came of one case. */
export interface Told {
  readonly number: number
  readonly refused: readonly string[]
  readonly features: readonly string[]
  readonly crash?: Death & { readonly hit: boolean }
  /** Every crash that there was. */
  readonly died: readonly string[]
  readonly passed: Readonly<Record<string, number>>
  readonly faults: readonly { how: string; wrong: string; at: string; text: string; known?: string }[]
  readonly stopped: boolean
  readonly edit?: {
    readonly class: string
    readonly of: string
    readonly runs: string
    readonly outcome: string
  }
}

export async function tell(root: string, { seed, number, pipe, edits }: Ask): Promise<Told> {
  if (edits) return tellEdit(root, seed, number)
  const { graph, refused, verdicts, crash } = pipe
    ? await killNumber(root, seed, number, pipe)
    : await playNumber(root, seed, number)
  const passed: Record<string, number> = {}
  const died: string[] = []
  for (const { played, deaths } of verdicts) {
    for (const [i, life] of (played?.lives ?? []).entries()) {
      for (const [point, times] of life.passed) passed[point] = (passed[point] ?? 0) + times
      if (life.died) died.push(deaths[i]!.point)
    }
  }
  return {
    number,
    refused,
    features: featuresOf(graph),
    ...(crash ? { crash } : {}),
    died,
    passed,
    stopped: stopsOf(graph, predict(graph)).length > 0,
    faults: verdicts.flatMap((verdict) =>
      verdict.faults.map((fault) => {
        const known = knownFault(fault, graph, verdict)
        return { ...fault, how: verdict.how, ...(known ? { known } : {}) }
      }),
    ),
  }
}

async function tellEdit(root: string, seed: number, number: number): Promise<Told> {
  const result = await playEdit(root, seed, number)
  const { graph, edit, outcome, paused } = result
  return {
    number,
    refused: [],
    features: [`edited when it was ${paused}`],
    died: [],
    passed: {},
    stopped: paused === 'stopped',
    edit: { class: edit.class, of: edit.of, runs: graph.runs, outcome },
    faults: result.faults.map((fault) => {
      const known = knownFaultOfEdit(fault, result)
      return { ...fault, how: outcome, ...(known ? { known } : {}) }
    }),
  }
}
