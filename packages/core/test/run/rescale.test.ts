import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  type Batch,
  checkScale,
  instanceFolders,
  type Json,
  openStore,
  type Plan,
  readStore,
  rescale,
  type Save,
  stateFolder,
} from '../../src/index.ts'
import { createLanes } from '../../src/run/lanes.ts'
import type { SourceNode } from '../../src/run/nodes.ts'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'millrace-rescale-'))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

const nothing: Save = {
  epoch: 1,
  counters: {},
  positions: [],
  lanes: [],
  memory: [],
  changes: [],
  resumes: [],
  unfinished: [],
  stages: [],
  commitActions: [],
  published: [],
  commitActionsDone: [],
  letters: [],
}
const at = (split: string, next: number) => ({ source: 'events', split, position: { next }, ended: false })

/** The state of one instance, as a run leaves it. */
function saved(i: number, n: number, save: Partial<Save>): void {
  const store = openStore(stateFolder(home, 'orders', { i, n }))
  store.begin({ spec: 1 }, 0)
  store.save({ ...nothing, ...save })
  store.close()
}
const positionsOf = (i: number, n: number): Record<string, Json | undefined> => {
  const store = openStore(stateFolder(home, 'orders', { i, n }))
  try {
    return Object.fromEntries(store.positions('events').map(({ split, position }) => [split, position]))
  } finally {
    store.close()
  }
}
const scales = () => instanceFolders(home, 'orders').map(({ i, n }) => `${i}/${n}`)
const plan = (more: Partial<Plan> = {}) =>
  ({
    name: 'orders',
    sources: [{ id: 'events', type: 'log', capabilities: { shares: true } }],
    steps: [],
    ...more,
  }) as unknown as Plan

describe('rescaling the state of instances', () => {
  it('moves positions from one to three and to two, each split to its owner', () => {
    saved(0, 1, {
      positions: [0, 1, 2, 3].map((p) => at(String(p), 10 * p)),
      counters: { events: { read: 60, out: 60 } },
    })
    expect(rescale(home, 'orders', 3)).toEqual({ from: 1, positions: 4 })
    expect(scales()).toEqual(['0/3', '1/3', '2/3'])
    // Instance 1 continues: only its own split counts when the states are merged again.
    const store = openStore(stateFolder(home, 'orders', { i: 1, n: 3 }))
    store.save({ ...nothing, epoch: 9, positions: [at('1', 99)], counters: { events: { read: 5, out: 5 } } })
    store.close()
    expect(rescale(home, 'orders', 2)).toEqual({ from: 3, positions: 4 })
    expect(scales()).toEqual(['0/2', '1/2'])
    for (const i of [0, 1])
      expect(positionsOf(i, 2)).toEqual({ 0: { next: 0 }, 1: { next: 99 }, 2: { next: 20 }, 3: { next: 30 } })
    const first = openStore(stateFolder(home, 'orders', { i: 0, n: 2 }))
    expect(first.counters()).toEqual({ events: { read: 65, out: 65 } })
    expect(first.run()).toMatchObject({ incarnation: 1, epoch: 9, ended: false, signature: { spec: 1 } })
    first.close()
  })

  it('refuses to start alongside the state of a different number of instances', () => {
    saved(0, 2, { positions: [at('0', 5)] })
    expect(() => checkScale(home, plan(), 1)).toThrow(expect.objectContaining({ code: 'other_scale' }) as Error)
    expect(() => checkScale(home, plan(), 3)).toThrow(expect.objectContaining({ code: 'other_scale' }) as Error)
    expect(() => checkScale(home, plan(), 2)).not.toThrow()
    expect(() => checkScale(home, plan({ name: 'other' }), 1)).not.toThrow()
  })

  it('refuses several instances of what cannot be shared', () => {
    const file = { id: 'rows', type: 'csv', capabilities: {} }
    expect(() => checkScale(home, plan({ sources: [file] as never }), 2)).toThrow(
      expect.objectContaining({ code: 'not_shared', place: 'rows' }) as Error,
    )
    expect(() =>
      checkScale(home, plan({ steps: [{ id: 'sums', type: 'aggregate', stateful: true }] as never }), 2),
    ).toThrow(expect.objectContaining({ code: 'not_shared', place: 'sums' }) as Error)
    // A side input is read whole by each instance.
    expect(() =>
      checkScale(home, plan({ sources: [...plan().sources, { ...file, side: true }] as never }), 2),
    ).not.toThrow()
  })

  it('remembers which sinks have written, and carries over nothing unfinished', () => {
    saved(0, 1, { positions: [at('0', 1)], resumes: [{ sink: 'files', resume: { length: 5 } }] })
    rescale(home, 'orders', 2)
    rescale(home, 'orders', 1)
    const store = openStore(stateFolder(home, 'orders'))
    expect([store.hasWritten('files'), store.resume('files'), store.hasWritten('table')]).toEqual([
      true,
      undefined,
      false,
    ])
    store.close()
  })

  it('goes on from the lowest watermark; what a higher one has closed stays closed for its lanes', () => {
    const lane = (split: string, high: number, state: 'active' | 'idle' = 'active') => {
      return { source: 'events', lane: split, high, state }
    }
    const watermark = (high: number) => ({ source: '', lane: 'events', high, state: 'active' }) as const
    const lanesOf = (i: number, n: number) => {
      const store = openStore(stateFolder(home, 'orders', { i, n }))
      const lanes = store.lanes()
      store.close()
      return lanes
    }
    saved(0, 2, { lanes: [lane('0', 990), lane('2', 100, 'idle'), watermark(900)] })
    saved(1, 2, { lanes: [lane('1', 400), lane('3', 410), watermark(300)] })
    rescale(home, 'orders', 1)
    expect(lanesOf(0, 1)).toEqual([
      { ...watermark(300), floor: undefined },
      { ...lane('0', 990), floor: 900 },
      { ...lane('1', 400), floor: 300 },
      { ...lane('2', 100, 'idle'), floor: 900 },
      { ...lane('3', 410), floor: 300 },
    ])
    rescale(home, 'orders', 3)
    for (const i of [0, 1, 2]) expect(lanesOf(i, 3)[0]).toEqual({ ...watermark(300), floor: undefined })
    expect(lanesOf(2, 3).slice(1)).toEqual([{ ...lane('2', 100, 'idle'), floor: 900 }])
    // An instance that has not reached any time holds all back; one without splits does not.
    const empty = { source: 'events', lane: '', high: Number.NEGATIVE_INFINITY, state: 'active' } as const
    const reached = (third: Save['lanes']) => {
      rmSync(home, { recursive: true })
      mkdirSync(home)
      saved(0, 2, { lanes: [lane('0', 990), watermark(900)] })
      saved(1, 2, { lanes: third })
      rescale(home, 'orders', 1)
      return lanesOf(0, 1).find(({ source }) => source === '')?.high
    }
    expect([reached([empty, lane('1', Number.NEGATIVE_INFINITY)]), reached([empty])]).toEqual([undefined, 900])
  })

  it('measures the records of an idle lane against its floor', () => {
    const node = { id: 'events', capabilities: { lanes: 'split' }, eventTime: { maxOutOfOrderMs: 50 } }
    const lane = { source: 'events', lane: '2', high: 100, state: 'idle' } as const
    const before = (floor?: number) => {
      const lanes = createLanes([node as unknown as SourceNode], [{ ...lane, floor }])
      return lanes.advance('events', { split: '2', rows: [{}], times: Float64Array.of(500) } as unknown as Batch)
    }
    // A lane's watermark is its highest time less 50 ms and 1 ms.
    expect([before(), before(900)]).toEqual([100, 951])
  })

  it('refuses what cannot be divided, and leaves everything unchanged', () => {
    for (const [save, message] of [
      [{ changes: [{ step: 'sums', hash: 'h', entries: [['a', '1']] }] }, /sums has one memory/],
      [{ stages: [{ sink: 'files', stage: {} }] }, /left finished results to publish/],
      [{ commitActions: [{ source: 'events', split: '0', ended: false }] }, /inputs to move or remove/],
      [{ resumes: [{ sink: 'files', resume: { length: 5 } }], unfinished: ['files'] }, /files has an open file/],
    ] as const) {
      rmSync(stateFolder(home, 'orders'), { recursive: true, force: true })
      saved(0, 1, { positions: [at('0', 1)], ...(save as Partial<Save>) })
      expect(() => rescale(home, 'orders', 2)).toThrow(message)
      expect(scales()).toEqual(['0/1'])
    }
  })

  it('refuses while an instance runs, and where the state of one is missing', () => {
    saved(0, 2, { positions: [at('0', 1)] })
    expect(() => rescale(home, 'orders', 1)).toThrow('the state of instance 1/2 of orders is missing')
    saved(1, 2, { positions: [at('1', 1)] })
    const running = openStore(stateFolder(home, 'orders', { i: 1, n: 2 }))
    expect(() => rescale(home, 'orders', 1)).toThrow(expect.objectContaining({ code: 'locked' }) as Error)
    running.close()
    expect(rescale(home, 'orders', 1).positions).toBe(2)
    expect(() => rescale(home, 'nobody', 1)).toThrow(expect.objectContaining({ code: 'no_state' }) as Error)
  })

  it('completes what a crash interrupted, and refuses to start until then', () => {
    saved(0, 2, { positions: [at('0', 7)] })
    saved(1, 2, { positions: [at('1', 8)] })
    rescale(home, 'orders', 1)
    // As if it had crashed between the renaming of the new folder and the removal of the last old one.
    writeFileSync(join(home, 'orders.rescale'), JSON.stringify({ from: 2, to: 1, positions: 2 }))
    saved(1, 2, { positions: [at('1', 8)] })
    expect(() => checkScale(home, plan(), 1)).toThrow(expect.objectContaining({ code: 'other_scale' }) as Error)
    expect(() => checkScale(home, plan(), 2)).toThrow(expect.objectContaining({ code: 'other_scale' }) as Error)
    expect(rescale(home, 'orders', 1)).toEqual({ from: 2, positions: 2 })
    expect(scales()).toEqual(['0/1'])
    expect(positionsOf(0, 1)).toEqual({ 0: { next: 7 }, 1: { next: 8 } })
    // As if it had crashed before anything was moved: what was prepared is recreated.
    rescale(home, 'orders', 2)
    expect(readdirSync(home).filter((name) => name.endsWith('.new'))).toEqual([])
    expect(existsSync(join(home, 'orders.rescale'))).toBe(false)
  })
})

it('treats the file of a process that died at its very beginning as no state, and resumes with it', () => {
  const folder = stateFolder(home, 'orders')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'state.db'), '')
  expect(readStore(folder)).toBeUndefined()
  saved(0, 1, { positions: [at('0', 5)] })
  expect(readStore(folder)?.run()).toMatchObject({ incarnation: 1 })
})
