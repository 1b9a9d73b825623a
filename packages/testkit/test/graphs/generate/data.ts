/** The input of a case: records of one to three sources, some of them bad, some of them twice in a log. */
import type { InputRecord, Source, Split } from '../case.ts'
import type { Random } from '../random.ts'
import { anyEventTime, timesOfLane } from './times.ts'

/** Bad records of each kind, per thousand. */
export interface BadRates {
  readonly undecodable: number
  readonly dates: number
  readonly numbers: number
  readonly boom: number
  readonly nulls: number
  /** Event times that are missing or cannot be read. */
  readonly times: number
}

export interface DataOptions {
  readonly whole: boolean
  readonly bad: BadRates
  /** Some records are appended after the first run. */
  readonly later: boolean
  /** Sources tell the time of their records. */
  readonly timed: boolean
}

const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
const bytes = ['AAEC', '/w==', 'AQ==', 'AAEC/w==']

export function makeSources(random: Random, options: DataOptions): Source[] {
  const count = random.weighted([
    [5, 1],
    [4, 2],
    [2, 3],
  ])
  const total = random.weighted<number>([
    [3, random.int(10, 30)],
    [5, random.int(30, 100)],
    [2, random.int(100, 250)],
    [1, random.int(250, 400)],
  ])
  const names = ['orders', 'events', 'visits']
  const counter = { n: 0 }
  return names.slice(0, count).map((id) => makeSource(random, id, Math.ceil(total / count), counter, options))
}

function makeSource(
  random: Random,
  id: string,
  total: number,
  counter: { n: number },
  { whole, bad, later, timed }: DataOptions,
): Source {
  const kind = random.pick(['csv', 'jsonl', 'log'] as const)
  const splits = random.weighted([
    [4, 1],
    [2, 2],
    [2, 3],
    [1, 4],
  ])
  const eventTime = timed && random.chance(0.9) ? anyEventTime(random, kind, !whole) : undefined
  const some = keys.slice(0, random.int(2, keys.length))
  const record = (first: boolean, round: 0 | 1, time: string): InputRecord => {
    const n = ++counter.n
    const is = (perMille: number) => !first && random.chance(perMille / 1000)
    return {
      u: `u${String(n).padStart(5, '0')}`,
      n,
      k: is(bad.nulls) ? null : random.pick(some),
      q: random.int(0, 12),
      d: `${is(bad.dates) ? 'x' : '2'}024-0${random.int(1, 9)}-1${random.int(0, 9)}`,
      c: `${is(bad.numbers) ? 'x' : '1'}${random.int(0, 9)}`,
      t: [...(is(bad.boom) ? ['boom'] : []), ...random.some(['one', 'two', 'three'], 1, 3)].join('|'),
      b: random.pick(bytes),
      w: is(bad.times) ? random.pick([null, `x${time.slice(1)}`]) : time,
      ...(is(bad.undecodable) ? { undecodable: kind === 'csv' ? 'value' : random.pick(['line', 'value']) } : {}),
      round,
      ...(kind === 'log' ? { id: `feeder/in/${id}@${n}` } : {}),
    }
  }
  const oneLane = timesOfLane(random)
  const made: Split[] = Array.from({ length: splits }, (_, s) => {
    const fresh = later && kind !== 'log' && s > 0 && s === splits - 1
    const size = Math.max(1, Math.round((total / splits) * (0.5 + random.next())))
    // All files are one lane in listing order, so only the last of them may grow or appear.
    const isGrowing = later && (!eventTime || kind === 'log' || s === splits - 1)
    const from = fresh ? 0 : isGrowing ? Math.ceil(size * (0.4 + random.next() * 0.5)) : size
    const time = kind === 'log' ? timesOfLane(random) : oneLane
    const records = Array.from({ length: size }, (_, i) => record(i === 0, i < from ? 0 : 1, time()))
    return {
      name: kind === 'log' ? String(s) : `in/${id}/${s + 1}.${kind}`,
      records: kind === 'log' && random.chance(0.4) ? repeated(random, records) : records,
    }
  })
  return {
    id,
    kind,
    splits: made,
    pad:
      kind === 'log'
        ? 0
        : random.weighted([
            [3, 0],
            [3, 2500],
            [2, 6000],
          ]),
    chunk: random.int(1, 12),
    ...(whole && kind !== 'log' && random.chance(0.1) ? { afterRead: 'delete' as const } : {}),
    ...(eventTime ? { eventTime } : {}),
    delays: anyDelays(random),
  }
}

/** Delays of a source: none, short, or longer than an epoch. */
export const anyDelays = (random: Random): number[] =>
  random.weighted<number[]>([
    [3, []],
    [3, [0, 0, 1]],
    [3, [1, 3, 0, 0, 6]],
    [2, [8]],
    [1, [0, 15]],
  ])

/** Repeats some records under their ids, like a writer whose append was not confirmed. */
function repeated(random: Random, records: readonly InputRecord[]): InputRecord[] {
  const all: InputRecord[] = []
  for (const [i, record] of records.entries()) {
    all.push(record)
    const before = records[Math.max(0, i - random.int(0, 3))]!
    if (random.chance(0.1)) all.push({ ...before, round: record.round })
  }
  return all
}
