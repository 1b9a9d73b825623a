/** Measures the memory of a sink with large records, in a process of its own. */
import type { Row } from '@millrace/core'
import type { SinkMaking } from './contract/script.ts'
import { remote } from './contract/remote.ts'

/** What to write, and how. */
export interface LargeWrites {
  /** The connector's module: `new URL('../src/index.ts', import.meta.url)`. */
  readonly module: string | URL
  readonly type: string
  /** The project's folder. */
  readonly root: string
  readonly making: SinkMaking
  /** Makes every record: its large texts are shared, so the records themselves need almost no memory. */
  readonly row: Row
  readonly writes: number
  readonly perWrite: number
  /** Called between two writes, so that late acknowledgements can arrive. */
  readonly pauseMs?: number
}

/** The memory of a sink, in bytes. */
export interface Memory {
  /** The peak of the process while it wrote, beyond what it needed for the first record, in bytes. */
  readonly peak: number
  /** What is reachable after the last write, before the last flush. */
  readonly held: number
}

/** Writes the records in a child process, and measures it. */
export async function memoryOf(large: LargeWrites): Promise<Memory> {
  const { answers } = await remote({ kind: 'large', id: 'sink', ...large, module: String(large.module) })
  return answers[0] as Memory
}
