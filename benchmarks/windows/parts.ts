/** What is measured, and its gates. */
import type { Row } from '@millrace/core'
import { defaultBounds } from '../../packages/core/src/run/due.ts'
import { openStore, type Save } from '../../packages/core/src/store/index.ts'
import { fire } from './firing.ts'
import { batchesOf, counter, cpuMs, createStep, scratch } from './step.ts'
import { median } from '../measure.ts'

interface Verdict {
  readonly what: string
  readonly passed: boolean
}

const hour = 3_600_000
const minute = 60_000
const rounds = 5
const sums = { total: 'sum(value)' }
const rowOf = (group: number, i: number): Row => ({ key: `key-${group}`, user: `user-${i}`, value: i % 97 })
/** A group for record i, without any order. */
const spread = (i: number, groups: number): number => (Math.imul(i, 0x9e3779b1) >>> 0) % groups

/** `scale`: of the numbers of records and groups. */
export const parts: Readonly<Record<string, (scale: number) => Verdict[] | Promise<Verdict[]>>> = {
  loop(scale) {
    const [n, groups] = [2_000_000 * scale, 100_000 * scale]
    const batches = batchesOf(
      n,
      (i) => rowOf(spread(i, groups), i),
      () => 1000,
    )
    const { out } = counter()
    const ours: number[] = []
    const theirs: number[] = []
    for (let round = 0; round < rounds; round++) {
      const step = createStep({ tumbling: hour }, sums)
      ours.push(cpuMs(() => batches.forEach((batch) => step.apply(batch, out, 'in'))))
      const windows = new Map<number, Map<string, { total: number }>>()
      theirs.push(
        cpuMs(() => {
          for (const { rows, from } of batches) {
            const { times } = from[0]!.batch
            for (let i = 0; i < rows.length; i++) {
              const start = Math.floor(times![i]! / hour) * hour
              let inWindow = windows.get(start)
              if (!inWindow) windows.set(start, (inWindow = new Map()))
              const { key, value } = rows[i]! as { key: string; value: number }
              const state = inWindow.get(key)
              if (state) state.total += value
              else inWindow.set(key, { total: value })
            }
          }
        }),
      )
    }
    const speed = median(theirs) / median(ours)
    return [
      {
        what: `window step: ${speed.toFixed(2)}x the speed of a loop over nested Maps (${perRecord(ours, n)} and ${perRecord(theirs, n)} ns a record), at least 0.5x`,
        passed: speed >= 0.5,
      },
    ]
  },

  sliding(scale) {
    const [n, groups] = [1_000_000 * scale, 100]
    const batches = batchesOf(
      n,
      (i) => rowOf(i % groups, i),
      (i) => Math.floor((i / n) * 24 * hour),
    )
    const kinds = { tumbling: { tumbling: hour }, sliding: { sliding: hour, slide: minute } }
    const took: Record<keyof typeof kinds, number[]> = { tumbling: [], sliding: [] }
    for (let round = 0; round < rounds; round++)
      for (const kind of ['tumbling', 'sliding'] as const) {
        const step = createStep(kinds[kind], sums)
        const { out } = counter()
        took[kind].push(
          cpuMs(() => {
            for (const batch of batches) {
              step.apply(batch, out, 'in')
              const watermark = batch.from[0]!.batch.times!.at(-1)! - minute
              while (!step.advance!({ watermark, clock: 0, end: false }, out));
              step.epochEnds?.(out)
              // As the engine does: a save that writes very many entries ends its epoch.
              if (step.changeCount!() >= defaultBounds.maxChanges) step.takeChanges!()
            }
          }),
        )
      }
    const ratio = median(took.sliding) / median(took.tumbling)
    return [
      {
        what: `sliding 1 h by 1 min: ${ratio.toFixed(2)}x the CPU of tumbling 1 h over ${groups} groups, at most 3x`,
        passed: ratio <= 3,
      },
    ]
  },

  checkpoint(scale) {
    const groups = 100_000 * scale
    const step = createStep({ tumbling: hour }, { n: 'count()', ...sums })
    const { out } = counter()
    const all = batchesOf(
      groups,
      (i) => rowOf(i, i),
      () => 1000,
    )
    const some = batchesOf(
      groups / 100,
      (i) => rowOf(i * 100, i),
      () => 1000,
    )
    const store = openStore(scratch())
    store.begin({}, 0)
    let epoch = 0
    const save = (batches: typeof all) => {
      for (const batch of batches) step.apply(batch, out, 'in')
      const started = performance.now()
      const entries = step.takeChanges!()
      store.save({ ...emptySave, epoch: ++epoch, changes: [{ step: 'step', hash: 'h', entries }] })
      const ms = performance.now() - started
      return { ms, bytes: entries.reduce((sum, [key, value]) => sum + key.length + (value?.length ?? 0), 0) }
    }
    save(all)
    const [whole, part] = [[], []] as { ms: number; bytes: number }[][]
    for (let round = 0; round < rounds; round++) {
      whole!.push(save(all))
      part!.push(save(some))
    }
    store.close()
    const ratio = (of: 'ms' | 'bytes') => median(whole!.map((s) => s[of])) / median(part!.map((s) => s[of]))
    return [
      {
        what: `checkpoint: with 1 % of ${groups} groups touched, 1/${ratio('ms').toFixed(0)} of the time and 1/${ratio('bytes').toFixed(0)} of the bytes, at most 1/10`,
        passed: ratio('ms') >= 10 && ratio('bytes') >= 10,
      },
    ]
  },

  distinct(scale) {
    const values = 1_000_000 * scale
    const step = createStep({ tumbling: hour }, { users: 'count_distinct(user)' })
    const { out } = counter()
    for (const batch of batchesOf(
      values,
      (i) => rowOf(0, i),
      () => 1000,
    ))
      step.apply(batch, out, 'in')
    step.takeChanges!()
    const sizes: number[] = []
    const ms: number[] = []
    for (let round = 0; round < 100; round++) {
      for (const batch of batchesOf(
        1000,
        (i) => rowOf(0, values + round * 1000 + i),
        () => 1000,
      ))
        step.apply(batch, out, 'in')
      const started = performance.now()
      const changes = step.takeChanges!()
      ms.push(performance.now() - started)
      sizes.push(changes.reduce((sum, [key, value]) => sum + key.length + (value?.length ?? 0), 0))
    }
    const most = Math.max(...sizes)
    return [
      {
        what: `distinct: 1,000 new of ${values} values write ${(most / 1000).toFixed(0)} kB at most (${median(ms).toFixed(1)} ms), at most 100 kB`,
        passed: most <= 100_000,
      },
    ]
  },

  memory(scale) {
    const groups = 1_000_000 * scale
    const folder = scratch()
    const { out } = counter()
    let store = openStore(folder)
    store.begin({}, 0)
    let step = createStep({ tumbling: hour }, { n: 'count()', ...sums })
    let epoch = 0
    for (let first = 0; first < groups; first += 10_000) {
      for (const batch of batchesOf(
        10_000,
        (i) => rowOf(first + i, i),
        () => 1000,
      ))
        step.apply(batch, out, 'in')
      const entries = step.takeChanges!()
      store.save({ ...emptySave, epoch: ++epoch, changes: [{ step: 'step', hash: 'h', entries }] })
    }
    const rss = process.resourceUsage().maxRSS / 1000
    store.close()
    step = createStep({ tumbling: hour }, { n: 'count()', ...sums })
    globalThis.gc?.()
    store = openStore(folder)
    const started = performance.now()
    step.restore!(store.saved('step'))
    step.apply(
      batchesOf(
        1,
        () => rowOf(7, 7),
        () => 1000,
      )[0]!,
      out,
      'in',
    )
    const ms = performance.now() - started
    store.close()
    return [
      {
        what: `memory: ${groups} groups, saved in epochs of 10,000, peak ${rss.toFixed(0)} MB, at most 1,000 MB`,
        passed: rss < 1000,
      },
      {
        what: `restart: with ${groups} open groups, the first record after ${ms.toFixed(0)} ms, at most 2,000 ms`,
        passed: ms <= 2000,
      },
    ]
  },

  async firing(scale) {
    const groups = 1_000_000 * scale
    const { latencies, firedMs, wrong } = await fire(groups)
    const most = latencies.at(-1) ?? Number.POSITIVE_INFINITY
    const told = `${latencies.length} answers, ${median(latencies).toFixed(0)} ms in the middle, ${most.toFixed(0)} ms at most`
    return [
      {
        what: `firing: ${groups} groups in ${(firedMs / 1000).toFixed(1)} s, a gateway beside it: ${told}, at most 1,000 ms`,
        passed: most <= 1000,
      },
      { what: `firing: killed half-way, ${wrong || 'each result is there once'}`, passed: wrong === '' },
    ]
  },
}

const perRecord = (ms: readonly number[], n: number): string => ((median(ms) * 1e6) / n).toFixed(0)

const emptySave: Omit<Save, 'epoch' | 'changes'> = {
  counters: {},
  positions: [],
  lanes: [],
  memory: [],
  resumes: [],
  unfinished: [],
  stages: [],
  commitActions: [],
  published: [],
  commitActionsDone: [],
  letters: [],
}
