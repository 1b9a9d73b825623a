/** Measures the memory of reading, for tests of sources with large records. In a child process of its own. */
import { freshRead, isBatch, type Source } from '@millrace/core'
import type { Scope } from './check.ts'
import type { SourceMaking } from './read.ts'
import { remote } from './remote.ts'

/** What a child measured. */
export interface Peak {
  readonly records: number
  /** The largest batch. */
  readonly batchBytes: number
  /** The growth of the process's resident memory while reading. */
  readonly grownBytes: number
}

/** Reads a bounded source to its end and releases each batch. */
export async function peakOf(source: Source): Promise<Peak> {
  const before = process.memoryUsage.rss()
  let peak = before
  let records = 0
  let batchBytes = 0
  for await (const given of source.read(freshRead(new AbortController().signal))) {
    if (!isBatch(given)) continue
    records += given.rows.length
    batchBytes = Math.max(batchBytes, given.bytes)
    peak = Math.max(peak, process.memoryUsage.rss())
  }
  await source.close?.()
  return { records, batchBytes, grownBytes: peak - before }
}

/** The same in a process of its own. */
export async function readingPeak(
  { module, type }: { readonly module: URL; readonly type: string },
  making: SourceMaking,
  { root, env }: Pick<Scope, 'root' | 'env'>,
): Promise<Peak> {
  const { answers } = await remote({ kind: 'peak', module: String(module), type, root, id: env.id, making })
  return answers[0] as Peak
}
