/** What steps load before the first record: user code, and complete side inputs. */
import { createHash } from 'node:crypto'
import { systemClock } from '../clock.ts'
import { freshRead, isBatch } from '../connector/index.ts'
import { crashPoint } from '../crash.ts'
import { MillraceError } from '../errors/index.ts'
import type { Plan } from '../plan/index.ts'
import type { Row } from '../record/index.ts'
import type { Store } from '../store/index.ts'
import type { SourceNode, StepNode } from './nodes.ts'
import { asRunError, type Calls } from './retry.ts'

const bigintAsText = (_key: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value)

/**
 * Loads every step's code and side inputs. A side input must be free of bad records: the first one stops the run.
 * `identified` gets a hash of the rows of each side input. `beganMs`: see `ReadContext`.
 */
export async function loadSideInputs(
  steps: readonly StepNode[],
  sideInputs: readonly SourceNode[],
  plan: Plan,
  signal: AbortSignal,
  warn: (node: string, message: string) => void,
  call: Calls['call'],
  identified: (side: string, identity: string) => void = () => {},
  beganMs = systemClock.now(),
): Promise<void> {
  for (const { transform, id } of steps) {
    try {
      await transform.prepare?.({ signal })
    } catch (error) {
      throw asRunError(error, { id }, 'loading', 3)
    }
  }
  for (const { transform, plan: step } of steps) {
    for (const [side, sourceId] of Object.entries(step.sideInputs)) {
      const node = sideInputs.find((s) => s.id === sourceId)!
      const load = async () => {
        const hash = createHash('sha256')
        for (const rows of await readSideInput(node, signal, warn, beganMs)) {
          // Row by row: batch boundaries are not part of the content.
          for (const row of rows) hash.update(`${JSON.stringify(row, bigintAsText)}\n`)
          transform.load!(side, rows)
        }
        return hash.digest('hex')
      }
      identified(sourceId, await call(node, `reading the side input of ${plan.name}`, load, signal))
    }
  }
}

/** Its rows, split by split: the interleaving of splits does not matter, not even for two rows with the same key. */
async function readSideInput(
  node: SourceNode,
  signal: AbortSignal,
  warn: (node: string, message: string) => void,
  beganMs: number,
): Promise<readonly Row[][]> {
  const ctx = freshRead(signal, { warn: (message) => warn(node.id, message), beganMs })
  const bySplit = new Map<string, Row[]>()
  for await (const batch of node.source.read(ctx)) {
    if (!isBatch(batch)) continue
    const bad = batch.bad?.[0]
    if (bad) {
      const place = (await node.source.locate?.(batch.split, bad.position)) ?? `${batch.split}@${bad.position}`
      throw new MillraceError(bad.code, bad.message ?? bad.code, {
        place,
        hint: 'a side input may not have bad records: fix it and run again',
      })
    }
    const rows = bySplit.get(batch.split)
    if (rows) rows.push(...batch.rows)
    else bySplit.set(batch.split, [...batch.rows])
  }
  return [...bySplit.keys()].sort().map((split) => bySplit.get(split)!)
}

/**
 * Saves the hash of a side input, and checks that a resumed run finds the same content; otherwise records before and
 * after the stop would be joined with different data. Throws `side_changed` for a bounded run; a continuous one gets a
 * warning.
 */
export function checkSideInput(
  plan: Plan,
  store: Pick<Store, 'recall' | 'remember'>,
  warn: (node: string, message: string) => void,
) {
  return (side: string, identity: string): void => {
    const before = store.recall(side, 'identity')
    if (before === identity) return
    if (before !== undefined) {
      const what = 'the side input has changed since the run began'
      if (plan.runs === 'whole')
        throw new MillraceError('side_changed', what, {
          place: side,
          hint: 'restore it and run again, or start over: pipe state reset PIPELINE',
          exitCode: 2,
        })
      warn(side, `${what}; from here on the new content is used`)
    }
    store.remember(side, 'identity', identity)
    crashPoint('side_remembered')
  }
}
