/**
 * Drives a sink as the engine does, step by step: in this process, or as a script in a child that dies where requested.
 */
import { randomBytes } from 'node:crypto'
import {
  batch,
  type Env,
  type Flushed,
  type Json,
  Records,
  type RecordType,
  type Row,
  type Sink,
  type SinkDefinition,
} from '@millrace/core'
import { deepFreeze } from './rows.ts'

/** How a sink is made. Plain data, so that it can be sent to a child. */
export interface SinkMaking {
  readonly options: unknown
  readonly schema: RecordType
}

/** Records to write: each row with its own position in the split, from which its id is derived. */
export type Numbered = readonly (readonly [position: number, row: Row])[]

export type SinkStep =
  | {
      readonly do: 'open'
      readonly restore?: Json
      readonly incarnation?: number
      readonly existing?: 'stop' | 'replace' | 'keep'
    }
  /** `tombstones`: the records have no value; their rows have the key. */
  | { readonly do: 'write'; readonly records: Numbered; readonly epoch: number; readonly tombstones?: boolean }
  /** Its answer is the result of the flush: the saved part of a later start. */
  | { readonly do: 'flush'; readonly epoch: number; readonly roll: boolean; readonly end: boolean }
  /** Without a stage: those of the last flush. */
  | { readonly do: 'publish'; readonly stage?: Json }
  | { readonly do: 'close' }
  | { readonly do: 'die' }
export type SinkScript = readonly SinkStep[]

export interface ScriptIo {
  answer?(flushed: Flushed): void
  die?(): void
  readonly signal?: AbortSignal
}

export const makeSink = (definition: SinkDefinition, making: SinkMaking, env: Env): Sink =>
  definition.create(making.options, { ...env, schema: making.schema })

/** `numbered` as the engine would pass them; frozen, since rows are. */
export function recordsFor(numbered: Numbered, env: Env, tombstones = false): Records {
  const rows = numbered.map(([, row]) => deepFreeze(structuredClone(row)))
  const positionAt = (i: number) => numbered[i]![0]
  const rawAt = (i: number) => Buffer.from(`record ${numbered[i]![0]}`)
  const more = tombstones ? { tombstoneAt: () => true } : {}
  return new Records({
    rows,
    from: [{ source: 'source', batch: batch({ split: 'contract#1', rows, positionAt, rawAt, ...more }) }],
    pipeline: env.pipeline,
  })
}

/** Runs the steps in order and returns the results of the flushes. The sink stays open unless the script closes it. */
export async function runScript(
  definition: SinkDefinition,
  making: SinkMaking,
  env: Env,
  script: SinkScript,
  io: ScriptIo = {},
): Promise<{ sink: Sink; flushed: Flushed[] }> {
  const sink = makeSink(definition, making, env)
  const flushed: Flushed[] = []
  for (const step of script) await doStep(sink, step, env, flushed, io)
  return { sink, flushed }
}

/** One step on an existing sink. */
export async function doStep(
  sink: Sink,
  step: SinkStep,
  env: Env,
  flushed: Flushed[],
  io: ScriptIo = {},
): Promise<void> {
  const signal = io.signal ?? new AbortController().signal
  switch (step.do) {
    case 'open': {
      const start = randomBytes(8).toString('hex')
      const { restore, existing, incarnation = 1 } = step
      const more = { restore, existing }
      return sink.open?.({ signal, incarnation, start, instance: { i: 0, n: 1 }, warn: () => {}, ...more })
    }
    case 'write':
      return sink.write(recordsFor(step.records, env, step.tombstones), { signal, epoch: step.epoch })
    case 'flush': {
      const { epoch, roll, end } = step
      // As after a save: only JSON survives.
      const left = sink.flush
        ? (JSON.parse(JSON.stringify(await sink.flush({ signal, epoch, roll, end }))) as Flushed)
        : {}
      flushed.push(left)
      io.answer?.(left)
      return
    }
    case 'publish':
      for (const stage of step.stage === undefined ? (flushed.at(-1)?.stages ?? []) : [step.stage])
        await sink.publish!(stage, { signal })
      return
    case 'close':
      return sink.close?.()
    case 'die':
      io.die?.()
      for (;;) {}
  }
}
