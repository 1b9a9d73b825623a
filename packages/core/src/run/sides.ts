/** What steps need before the first record: the users' code, and side inputs read whole. */
import { MillraceError } from '../errors.ts'
import type { Plan } from '../plan.ts'
import type { Row } from '../record.ts'
import type { SourceNode, StepNode } from './graph.ts'
import { asRunError } from './retry.ts'

/** Loads every step's code and side inputs. A side input must be right as a whole: its first bad record stops the run. */
export async function loadSides(
  steps: readonly StepNode[],
  sides: readonly SourceNode[],
  plan: Plan,
  signal: AbortSignal,
  warn: (node: string, message: string) => void,
): Promise<void> {
  for (const { transform, id } of steps) {
    try {
      await transform.prepare?.({ signal })
    } catch (error) {
      throw asRunError(error, id, 'loading', 3)
    }
  }
  for (const { transform, plan: step } of steps) {
    for (const [side, sourceId] of Object.entries(step.sideInputs)) {
      const node = sides.find((s) => s.id === sourceId)!
      await readSide(node, (rows) => transform.load!(side, rows), signal, plan, warn)
    }
  }
}

async function readSide(
  node: SourceNode,
  load: (rows: readonly Row[]) => void,
  signal: AbortSignal,
  plan: Plan,
  warn: (node: string, message: string) => void,
): Promise<void> {
  const ctx = {
    signal,
    resume: () => undefined,
    recall: () => undefined,
    wants: () => true,
    instance: { i: 0, n: 1 },
    warn: (message: string) => warn(node.id, message),
  }
  try {
    for await (const batch of node.source.read(ctx)) {
      if ('splits' in batch) continue
      const bad = batch.bad?.[0]
      if (bad) {
        const place = (await node.source.locate?.(batch.split, bad.position)) ?? `${batch.split}@${bad.position}`
        throw new MillraceError(bad.code, bad.message ?? bad.code, { place, hint: 'a side input must be right as a whole: mend it and run again' })
      }
      load(batch.rows)
    }
  } catch (error) {
    throw asRunError(error, node.id, `reading the side input of ${plan.name}`)
  }
}
