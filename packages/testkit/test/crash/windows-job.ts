/**
 * A file that grows -> a stream of four partitions -> windows with `idle_after`, `allowed_lateness` and a late file ->
 * documents, by the real command in two processes, one that writes the stream and one that reads it. Both are killed
 * while the file grows, now and then without records for some of the partitions.
 *
 * What is left is compared with a model of the stream as it is. When a lane counts as idle depends on how fast the
 * processes are, so which records a closed window has shut out is read from the late file; but each record is in its
 * window or there, as often as it is in the stream, and one that is late by its own lane is there in any case.
 */
import { appendFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Death, type Restartable, startOnce } from '../../src/until-done.ts'
import { pipeFromSource } from './jobs.ts'
import { documents, jsonLines, sameSet } from './oracle.ts'

/** A record, as it is fed and as it is in the stream. */
export interface Fed {
  readonly k: string
  readonly n: number
  readonly at: string
  readonly v: number
}

/** The stream between the two processes. */
export interface Stream {
  /** Of the sink that writes it, as YAML. */
  readonly sink: string
  readonly source: string
  /** What is in it, partition by partition in order. */
  contents(folder: string): Promise<readonly (readonly Fed[])[]>
}

export interface WindowsRun {
  readonly writerKills: number
  readonly readerKills: number
  readonly records: number
  readonly windows: number
  readonly late: number
  /** Late records that their own lanes would have taken: a window was closed while their lane was idle. */
  readonly shutOut: number
}

export interface WindowsJob {
  /** Feeds for some time, killing both processes, and verifies what is left. Throws if that is wrong. */
  run(forMs: number): Promise<WindowsRun>
}

const second = 1000
const [size, outOfOrder, allowed] = [10 * second, 5 * second, 10 * second]
const began = Date.UTC(2026, 0, 1)
/** After everything else, so that all other windows close. */
const last = began + 86_400 * second
/** How much event time passes with each tick, and how often that is. */
const [tickEventMs, tickMs] = [second, 40]

const specs = ({ sink, source }: Stream) => ({
  feed: `version: 1
name: feed
source: { type: csv, config: { path: in.csv, watch: 100ms }, schema: { fields: { k: string, n: integer, at: timestamp, v: integer } } }
sinks: { stream: ${sink} }
`,
  windows: `version: 1
name: windows
source:
  ${source}
  schema: { fields: { k: string, n: integer, at: timestamp, v: integer } }
  event_time: { field: at, max_out_of_order: 5s, idle_after: 150ms }
steps:
  - id: per_key
    window: { tumbling: 10s, allowed_lateness: 10s, late: late }
    aggregate: { by: [k], outputs: { n: "count()", total: "sum(v)", top: "max(v)" } }
sinks:
  documents: { from: per_key, type: sqlite, config: { path: out/store.db, collection: windows, key: [k, window_start] } }
  late: { type: files, config: { path: out/late/, format: jsonl, roll: { records: 40 } } }
`,
})

export function windowsJob(folder: string, stream: Stream, random: () => number): WindowsJob {
  const int = (below: number) => Math.floor(random() * below)
  const program = (...words: string[]): Restartable => ({
    command: process.execPath,
    args: [...pipeFromSource, 'run', ...words, '--json'],
    cwd: folder,
    env: { NODE_OPTIONS: '', NODE_COMPILE_CACHE: join(tmpdir(), 'millrace-compiled') },
  })
  const [writes, reads] = [program('feed.yaml'), program('windows.yaml')]
  const fed: Fed[] = []
  const feed = (records: readonly Omit<Fed, 'n'>[]) => {
    const own = records.map(({ k, at, v }, i): Fed => ({ k, n: fed.length + i, at, v }))
    fed.push(...own)
    appendFileSync(join(folder, 'in.csv'), own.map(({ k, n, at, v }) => `${k},${n},${at},${v}\n`).join(''))
  }
  const anyRecord = (k: string, time: number) => ({ k, at: new Date(time).toISOString(), v: int(1_000_000) })
  /** About how long a process takes to start. */
  let startMs = 0
  /** All that was fed is in the stream. */
  const writeAll = async () => {
    const started = performance.now()
    await startOnce(program('feed.yaml', '--until', 'caught_up'), 'lives')
    startMs = performance.now() - started
  }
  const anyDeath = (points: readonly string[]): Death =>
    random() < 0.3
      ? { point: points[int(points.length)]!, time: 1 + int(6), afterMs: startMs + 4000 }
      : { afterMs: startMs * (0.6 + random() * 0.8) + int(2500) }

  /** One key for each partition. */
  const keysOfPartitions = async (): Promise<string[]> => {
    const all = Array.from({ length: 40 }, (_, i) => `k${i}`)
    feed(all.map((k) => anyRecord(k, began)))
    await writeAll()
    const partitions = await stream.contents(folder)
    return partitions.map((records, p) => {
      if (records.length === 0) throw new Error(`no key is in partition ${p}`)
      return records[0]!.k
    })
  }
  /** Feeds all keys, some of which fall silent for a while and come back with what they held back meanwhile. */
  const feedFor = async (forMs: number, keys: readonly string[]): Promise<number> => {
    const silentTo = new Map<string, number>()
    const heldBack = new Map<string, number[]>()
    let now = began
    for (const until = performance.now() + forMs; performance.now() < until; now += tickEventMs) {
      const records: Omit<Fed, 'n'>[] = []
      for (const k of keys) {
        const time = now - (random() < 0.85 ? int(outOfOrder) : int(60 * second))
        if (now < (silentTo.get(k) ?? 0)) {
          heldBack.set(k, [...(heldBack.get(k) ?? []), time])
          continue
        }
        for (const each of [...(heldBack.get(k) ?? []), time, now - int(second)]) records.push(anyRecord(k, each))
        heldBack.delete(k)
        if (random() < 0.02) silentTo.set(k, now + (15 + int(40)) * tickEventMs)
      }
      feed(records)
      await sleep(tickMs)
    }
    return now
  }
  const killed = async (program: Restartable, next: () => Death, isOver: () => boolean): Promise<number> => {
    let kills = 0
    while (!isOver()) if ((await startOnce(program, next())).killed) kills++
    return kills
  }
  /** Feeds all keys but one, until windows are shown that only the idleness of its lane lets go. */
  const feedOthers = async (keys: readonly string[], from: number): Promise<void> => {
    const silent = Math.max(...fed.filter(({ k }) => k === keys[0]).map(({ at }) => Date.parse(at)))
    const isShown = () => documentsOf(folder).some((row) => Date.parse(String(row['window_end'])) > silent + size)
    for (let now = from, n = 0; n % 25 > 0 || !isShown(); n++, now += tickEventMs) {
      if (n > 3000) throw new Error('no window is shown that only an idle lane lets go')
      feed(keys.slice(1).map((k) => anyRecord(k, now)))
      await sleep(tickMs)
    }
  }
  /** Lets both processes run, and be killed, until the work is done. */
  const meanwhile = async <T>(work: Promise<T>, next: (points: readonly string[]) => Death) => {
    let isOver = false
    const done = work.finally(() => (isOver = true))
    const kills = await Promise.all([
      killed(
        writes,
        () => next(['after_write', 'before_save', 'after_save']),
        () => isOver,
      ),
      killed(
        reads,
        () => next(['after_write', 'before_save', 'mid_save', 'after_save', 'after_publish']),
        () => isOver,
      ),
    ])
    return [await done, ...kills] as const
  }

  return {
    async run(forMs) {
      rmSync(folder, { recursive: true, force: true })
      mkdirSync(folder, { recursive: true })
      fed.length = 0
      writeFileSync(join(folder, 'millrace.yaml'), 'version: 1\n')
      writeFileSync(join(folder, 'in.csv'), 'k,n,at,v\n')
      for (const [name, text] of Object.entries(specs(stream))) writeFileSync(join(folder, `${name}.yaml`), text)
      const keys = await keysOfPartitions()
      const [end, ...kills] = await meanwhile(feedFor(forMs, keys), anyDeath)
      const [, ...more] = await meanwhile(feedOthers(keys, end), () => ({ afterMs: 2 * startMs + 5000 }))
      feed(keys.map((k) => anyRecord(k, last)))
      await writeAll()
      await startOnce(program('windows.yaml', '--until', 'caught_up'), 'lives')
      const found = verify(fed, await stream.contents(folder), documentsOf(folder), lateOf(folder))
      return { writerKills: kills[0] + more[0], readerKills: kills[1] + more[1], ...found }
    },
  }
}

function documentsOf(folder: string): Readonly<Record<string, unknown>>[] {
  const store = join(folder, 'out/store.db')
  return existsSync(store) ? documents(store, 'windows').map(({ doc }) => doc) : []
}
const lateOf = (folder: string) => jsonLines(join(folder, 'out/late')) as unknown as Fed[]

/** Compares windows and late records with the stream. Throws if they are wrong. */
export function verify(
  fed: readonly Fed[],
  contents: readonly (readonly Fed[])[],
  shown: readonly Readonly<Record<string, unknown>>[],
  lateRecords: readonly Fed[],
): Pick<WindowsRun, 'records' | 'windows' | 'late' | 'shutOut'> {
  const stream = contents.flat()
  const known = new Set(stream.map(({ n }) => n))
  const lost = fed.filter(({ n }) => !known.has(n))
  if (lost.length > 0) throw new Error(`${lost.length} records are not in the stream, the first is ${lost[0]!.n}`)
  const late = countOf(lateRecords)
  let shutOut = 0
  const windows = new Map<string, { k: string; window_start: string; n: number; total: number; top: number }>()
  const taken = new Map(late)
  for (const lane of contents) {
    const [must, copies] = [new Map<number, number>(), countOf(lane)]
    let high = Number.NEGATIVE_INFINITY
    for (const { n, at } of lane) {
      const time = Date.parse(at)
      if (startOf(time) + size + allowed <= high - outOfOrder) must.set(n, (must.get(n) ?? 0) + 1)
      high = Math.max(high, time)
    }
    for (const [n, copiesOfN] of copies) {
      const [found, expected] = [late.get(n) ?? 0, must.get(n) ?? 0]
      if (found < expected || found > copiesOfN)
        throw new Error(`record ${n} is late ${found} times, of ${copiesOfN}; by its own lane it is ${expected} times`)
      shutOut += found - expected
    }
    for (const { k, n, at, v } of lane) {
      const copiesLate = taken.get(n) ?? 0
      if (copiesLate > 0) {
        taken.set(n, copiesLate - 1)
        continue
      }
      const start = new Date(startOf(Date.parse(at))).toISOString()
      const window = windows.get(`${k} ${start}`) ?? { k, window_start: start, n: 0, total: 0, top: 0 }
      windows.set(`${k} ${start}`, {
        ...window,
        n: window.n + 1,
        total: window.total + v,
        top: Math.max(window.top, v),
      })
    }
  }
  const unknown = [...taken.values()].some((left) => left > 0)
  if (unknown) throw new Error('a late record is not in the stream')
  const closed = [...windows.values()].filter(({ window_start }) => Date.parse(window_start) < startOf(last))
  const found = shown.map(({ window_end: _, ...row }) => row)
  sameSet(found, closed, 'windows')
  return { records: stream.length, windows: closed.length, late: lateRecords.length, shutOut }
}

const startOf = (time: number) => Math.floor(time / size) * size

function countOf(records: readonly Fed[]): Map<number, number> {
  const counts = new Map<number, number>()
  for (const { n } of records) counts.set(n, (counts.get(n) ?? 0) + 1)
  return counts
}
