/**
 * `npm run fuzz -- 1000000 [SEED]`: reads that many mutated copies of sound files. Each must yield rows, bad records or
 * an error with a code, quickly and in bounded memory. Prints the outcomes, how many copies reached a decoder of
 * values, and the peak memory; exits with 1 at the first copy that fails, with its seed.
 */
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { MillraceError } from '@millrace/core'
import { corpus, readerOf, type Sound } from './corpus.ts'
import { mutated, randomOf } from './mutate.ts'

const mostMs = 10_000
const mostRows = 100_000
/** Above what was used before: `max_expanded` and what is allowed in addition. */
const mostBytes = (256 + 500) * 1024 * 1024

interface Job {
  readonly count: number
  readonly seed: number
  /** The number of the copy being read. */
  readonly at: Int32Array<SharedArrayBuffer>
}
interface Report {
  readonly outcomes: Readonly<Record<string, number>>
  readonly reached: number
  readonly slowestMs: number
  readonly grownBytes: number
  readonly failed?: string
}

/** Files of the decoders of values, not those of footers, headers, messages and compression. */
const decoders = /(values-read|hybrid-read|delta-read|ranges|columns)\.ts/

if (isMainThread) await watch(Number(process.argv[2] ?? 20_000), Number(process.argv[3] ?? 1))
else parentPort!.postMessage(await work(workerData as Job))

async function watch(count: number, seed: number): Promise<void> {
  const at = new Int32Array(new SharedArrayBuffer(4))
  const worker = new Worker(new URL(import.meta.url), { workerData: { count, seed, at } satisfies Job })
  let last = -1
  const watching = setInterval(() => {
    if (at[0] === last) {
      console.error(`copy ${last} of seed ${seed} takes more than ${mostMs / 1000} s`)
      process.exit(1)
    }
    last = at[0]!
  }, mostMs)
  const { outcomes, reached, slowestMs, grownBytes, failed } = await new Promise<Report>((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
  })
  clearInterval(watching)
  for (const [outcome, n] of Object.entries(outcomes).toSorted(([, a], [, b]) => b - a)) console.log(`${outcome} ${n}`)
  const share = Math.round((100 * reached) / count)
  const megabytes = Math.round(grownBytes / 1024 / 1024)
  console.log(
    `${count} copies, ${share} % reached a decoder of values, slowest ${slowestMs} ms, peak of memory ${megabytes} MB above the start`,
  )
  const wrong =
    failed ?? (share < 50 ? 'too few reach a decoder' : grownBytes > mostBytes ? 'too much memory' : undefined)
  if (wrong !== undefined) {
    console.error(wrong)
    process.exit(1)
  }
}

async function work({ count, seed, at }: Job): Promise<Report> {
  const all = await corpus()
  const outcomes: Record<string, number> = {}
  let reached = 0
  let slowestMs = 0
  const before = process.resourceUsage().maxRSS
  const report = (failed?: string): Report => ({
    outcomes,
    reached,
    slowestMs,
    grownBytes: 1024 * (process.resourceUsage().maxRSS - before),
    ...(failed === undefined ? {} : { failed }),
  })
  for (let n = 0; n < count; n++) {
    Atomics.store(at, 0, n)
    const random = randomOf(seed * 1_000_003 + n)
    const sound = all[Math.floor(random() * all.length)]!
    const began = performance.now()
    const { outcome, isReached, failed } = await readCopy(sound, mutated(sound.bytes, sound.values, random))
    if (failed !== undefined) return report(`copy ${n} of seed ${seed}, ${sound.name}: ${failed}`)
    slowestMs = Math.max(slowestMs, Math.round(performance.now() - began))
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
    if (isReached) reached++
  }
  return report()
}

async function readCopy(
  sound: Sound,
  bytes: Buffer,
): Promise<{ outcome: string; isReached: boolean; failed?: string }> {
  let rows = 0
  let bad = 0
  try {
    for await (const piece of readerOf(sound).read(sound.open(bytes), undefined, new AbortController().signal)) {
      rows += piece.rows.length
      bad += piece.bad?.length ?? 0
      if (piece.rows.length > 0) piece.rawAt?.(0)
      if (rows + bad > mostRows) break
    }
  } catch (error) {
    const { stack = '' } = error as Error
    if (!(error instanceof MillraceError)) return { outcome: '', isReached: false, failed: stack }
    return { outcome: error.code, isReached: rows + bad > 0 || decoders.test(stack) }
  }
  return { outcome: bad > 0 ? 'bad records' : 'rows', isReached: true }
}
