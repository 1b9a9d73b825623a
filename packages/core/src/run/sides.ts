/** What steps need before the first record: the users' code, and side inputs read whole. */
import { createHash } from 'node:crypto'
import { freshRead, isBatch } from '../connector/index.ts'
import { crashPoint } from '../crash.ts'
import { MillraceError } from '../errors/index.ts'
import type { Plan } from '../plan/index.ts'
import type { Row } from '../record/index.ts'
import type { Store } from '../store/index.ts'
import type { SourceNode, StepNode } from './nodes.ts'
import { asRunError } from './retry.ts'

const plain = (_key: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value)

/**
 * Loads every step's code and side inputs. A side input must be right as a whole: its first bad record stops the run.
 * `identified` is given what each held: a hash of its rows.
 */
export async function loadSides(
  steps: readonly StepNode[],
  sides: readonly SourceNode[],
  plan: Plan,
  signal: AbortSignal,
  warn: (node: string, message: string) => void,
  identified: (side: string, identity: string) => void = () => {},
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
      const node = sides.find((s) => s.id === sourceId)!
      const hash = createHash('sha256')
      const load = (rows: readonly Row[]) => {
        // Row by row: where a source cuts its batches is no part of what it holds.
        for (const row of rows) hash.update(`${JSON.stringify(row, plain)}\n`)
        transform.load!(side, rows)
      }
      await readSide(node, load, signal, plan, warn)
      identified(sourceId, hash.digest('hex'))
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
  const ctx = freshRead(signal, { warn: (message) => warn(node.id, message) })
  /** Split by split: how a source interleaves them decides nothing, of two rows with one key neither. */
  const bySplit = new Map<string, Row[]>()
  try {
    for await (const batch of node.source.read(ctx)) {
      if (!isBatch(batch)) continue
      const bad = batch.bad?.[0]
      if (bad) {
        const place = (await node.source.locate?.(batch.split, bad.position)) ?? `${batch.split}@${bad.position}`
        throw new MillraceError(bad.code, bad.message ?? bad.code, {
          place,
          hint: 'a side input must be right as a whole: mend it and run again',
        })
      }
      const rows = bySplit.get(batch.split)
      if (rows) rows.push(...batch.rows)
      else bySplit.set(batch.split, [...batch.rows])
    }
    for (const split of [...bySplit.keys()].sort()) {
      const rows = bySplit.get(split)!
      for (let at = 0; at < rows.length; at += 1000) load(rows.slice(at, at + 1000))
    }
  } catch (error) {
    throw asRunError(error, node, `reading the side input of ${plan.name}`)
  }
}

/**
 * Keeps what a side input held, and looks whether a run that goes on finds the same: records before and after the stop
 * would else be joined with different ones. Stops a run that is one whole with `side_changed`; a continuing one is
 * warned.
 */
export function sameSide(
  plan: Plan,
  store: Pick<Store, 'recall' | 'remember'>,
  warn: (node: string, message: string) => void,
) {
  return (side: string, identity: string): void => {
    const before = store.recall(side, 'identity')
    if (before === identity) return
    if (before !== undefined) {
      const what = 'the side input is not what it was when the run began'
      if (plan.runs === 'whole')
        throw new MillraceError('side_changed', what, {
          place: side,
          hint: 'restore it and run again, or start over with `pipe state reset PIPELINE`',
          exitCode: 2,
        })
      warn(side, `${what}; from here on the new one counts`)
    }
    store.remember(side, 'identity', identity)
    crashPoint('side_remembered')
  }
}
