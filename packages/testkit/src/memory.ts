/** How much memory a sink takes for large records: measured in a process of its own, where nothing else is. */
import type { Row } from '@millrace/core'
import type { SinkMaking } from './contract/script.ts'
import { remote } from './contract/remote.ts'

/** What is written, and how. */
export interface LargeWrites {
  /** The connector's module: `new URL('../src/index.ts', import.meta.url)`. */
  readonly module: string | URL
  readonly type: string
  /** The project's folder. */
  readonly root: string
  readonly making: SinkMaking
  /** Every record: its large texts are shared, so the records themselves take next to nothing. */
  readonly row: Row
  readonly writes: number
  readonly perWrite: number
  /** Between two writes, so that what is acknowledged later is acknowledged by then. */
  readonly pauseMs?: number
}

/** What a sink took, in bytes. */
export interface Memory {
  /** What the process took at most while it wrote, beyond what it took for the first record, in bytes. */
  readonly peak: number
  /** What it holds after the last write that is no garbage, before the last flush. */
  readonly held: number
}

/** Writes the records in a child process, and measures it. */
export async function memoryOf(large: LargeWrites): Promise<Memory> {
  const { answers } = await remote({ kind: 'large', id: 'sink', ...large, module: String(large.module) })
  return answers[0] as Memory
}
