/** A watching source under test: read in the background, as the engine does, while the test changes its files. */
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Batch, type Done, freshRead, isBatch, type Json } from '@millrace/core'
import { onTestFinished } from 'vitest'
import { type Disk, nodeDisk } from '../src/disk.ts'
import { fresh, makeSource, root, type RunOptions, type State } from './files-run.ts'

/** A disk that counts what is asked of it. */
export interface CountingDisk extends Disk {
  /** How often each file was opened. */
  readonly opens: Map<string, number>
  /** How many files were inspected. */
  inspected: number
  /** Every file looks as if it had just been written. */
  isBusy: boolean
}

export function countingDisk(): CountingDisk {
  const disk: CountingDisk = {
    ...nodeDisk,
    opens: new Map(),
    inspected: 0,
    isBusy: false,
    async state(path) {
      disk.inspected++
      const state = await nodeDisk.state(path)
      return state && disk.isBusy
        ? { ...state, changedNs: process.hrtime.bigint() + BigInt(Date.now()) * 1_000_000n }
        : state
    },
    open(path) {
      const name = path.slice(root.length + 1)
      disk.opens.set(name, (disk.opens.get(name) ?? 0) + 1)
      return nodeDisk.open(path)
    },
  }
  return disk
}

export const append = (name: string, text: string): void => appendFileSync(join(root, name), text)

/** Waits until something holds; what fails meanwhile ends the wait. */
export async function until(holds: () => boolean): Promise<void> {
  for (let n = 0; !holds(); n++) {
    if (n > 2000) throw new Error('it did not come to that')
    await sleep(5)
  }
}

export interface Watching {
  /** What was read, in order: the numbers of the records. */
  readonly numbers: unknown[]
  readonly splits: string[]
  readonly batches: Batch[]
  readonly warnings: string[]
  /** How often it has reported that there is nothing more. */
  readonly looks: number
  /** Waits for so many records in all, and for the report after them. */
  has(records: number): Promise<void>
  /** Waits for more complete looks. */
  looksAgain(): Promise<void>
  /** Aborts it, and resolves when it has ended. */
  stop(): Promise<void>
  /** Rejects with its failure. */
  readonly ended: Promise<void>
}

/** Begins to read. What comes is saved in `state`, and committed at once unless `commit` is false. */
export function watching(path: string | string[], state: State = fresh(), more: RunOptions = {}): Watching {
  const source = makeSource(path, { watchMs: 20, ...more })
  const stop = new AbortController()
  let looks = 0
  let lookedAt = 0
  let failure: unknown
  const numbers: unknown[] = []
  const batches: Batch[] = []
  const splits: string[] = []
  const warnings: string[] = []
  const ctx = freshRead(stop.signal, {
    continues: true,
    resume: (split) => state.positions.get(split),
    recall: (key) => state.memory.get(key),
    warn: (message) => warnings.push(message),
    ...(more.wants ? { wants: more.wants, whenWanted: () => sleep(5) } : {}),
  })
  const read = async () => {
    for await (const given of source.read(ctx)) {
      if ('splits' in given) splits.push(...given.splits.map(({ id }) => id))
      else if (!isBatch(given)) {
        looks++
        lookedAt = numbers.length
      } else {
        batches.push(given)
        const done = save(state, given)
        numbers.push(...given.rows.map((row) => row['a']))
        await more.onBatch?.(given, batches.length)
        if (batches.length === more.stop) return
        if (more.commit !== false) await source.commit?.([done], { signal: stop.signal })
      }
    }
  }
  const ended = read().catch((error: unknown) => {
    failure = error
    if (!stop.signal.aborted) throw error
  })
  ended.catch(() => {})
  const reached = async (holds: () => boolean) => {
    await until(() => failure !== undefined || holds())
    if (failure !== undefined) throw failure
  }
  onTestFinished(() => stop.abort())
  return {
    numbers,
    splits,
    batches,
    warnings,
    get looks() {
      return looks
    },
    has: (records) => reached(() => numbers.length >= records && lookedAt >= records),
    looksAgain() {
      const from = looks
      // One may be under way.
      return reached(() => looks >= from + 3)
    },
    async stop() {
      stop.abort()
      await ended
    },
    ended,
  }
}

function save(state: State, { split, position, end, remember }: Batch): Done {
  const saved = JSON.parse(JSON.stringify(position)) as Json
  state.positions.set(split, saved)
  for (const [key, value] of remember ?? []) value === null ? state.memory.delete(key) : state.memory.set(key, value)
  return { split, position: saved, ...(end ? { ended: true } : {}) }
}
