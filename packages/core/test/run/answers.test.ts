import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Done, Source } from '../../src/connector/index.ts'
import { batch, type Row } from '../../src/record/index.ts'
import { run } from '../../src/run/index.ts'
import { memorySink, type TestPipeline, testPipeline } from '../../src/testing.ts'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'millrace-'))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

/** Each element is a request. Ends once all are answered. */
function requests(bodies: readonly (readonly Row[])[], answered: Map<string, Done>, order: string[]): Source {
  let all = () => {}
  const allAnswered = new Promise<void>((resolve) => {
    all = resolve
  })
  return {
    async *read() {
      for (const [k, rows] of bodies.entries())
        yield { ...batch({ split: `r${k}`, rows, positionAt: (i) => i, remember: [] }), caughtUp: true }
      await allAnswered
    },
    remember: (done) => done.map((d) => [`key-${d.split}`, { records: (d.taken ?? d.answers!).length }]),
    async commit(done) {
      for (const d of done) {
        answered.set(d.split, d)
        order.push(`answer ${d.split}`)
      }
      if (answered.size === bodies.length) all()
    },
  }
}

function pipelineOf(source: () => Source, got: Map<string, Row>, order: string[], partial: boolean) {
  const pipeline: TestPipeline = {
    runs: 'continue',
    sources: { source },
    steps: {
      positive: {
        create: () => ({
          apply({ rows }, out) {
            const kept: number[] = []
            for (const [i, row] of rows.entries())
              (row['n'] as number) < 0
                ? out.fail(i, 'negative', { field: 'n', message: 'n is below 0' })
                : row['n'] !== 0 && kept.push(i)
            return { rows: kept.map((i) => ({ ...rows[i]!, seen: true })), origins: Int32Array.from(kept) }
          },
        }),
      },
    },
    sinks: {
      store: {
        create: () => memorySink(got, { onWrite: (ids) => void order.push(...ids.map((id) => `write ${id}`)) }),
      },
    },
  }
  const made = testPipeline(pipeline)
  const sources = made.plan.sources.map((s) => ({
    ...s,
    onError: 'refuse' as const,
    answer: { from: 'positive', partial, timeoutMs: 1000 },
    capabilities: { ...s.capabilities, answers: true, commit: 'action' as const },
  }))
  return { registry: made.registry, plan: { ...made.plan, sources } }
}

describe('sources that answer', () => {
  it('answer once the sinks have the records, with the row of the named step, and refuse a request whole', async () => {
    const [got, answered, order] = [new Map<string, Row>(), new Map<string, Done>(), [] as string[]]
    const bodies = [[{ n: 1 }, { n: 2 }], [{ n: 3 }, { n: -4 }, { n: -5 }], [{ n: 0 }], [{ n: 6 }]]
    const { plan, registry } = pipelineOf(() => requests(bodies, answered, order), got, order, false)
    const summary = await run(plan, registry, { root: home, home, secrets: () => undefined })
    expect([...got.keys()]).toEqual(['test/source/r0@0', 'test/source/r0@1', 'test/source/r3@0'])
    expect(answered.get('r0')!.taken).toEqual([1, 2].map((n) => ({ n, seen: true })))
    expect(
      answered
        .get('r1')!
        .answers!.slice(1)
        .map((a) => a.outcome),
    ).toEqual(['refused', 'refused'])
    expect(answered.get('r1')!.answers!.flatMap((a) => a.errors ?? [])).toHaveLength(2)
    expect(answered.get('r2')!.answers).toEqual([{ position: 0, outcome: 'dropped' }])
    expect(order.indexOf('answer r0')).toBeGreaterThan(order.indexOf('write test/source/r0@1'))
    expect(summary.imbalances).toEqual([])
    expect(summary.counters[0]!.steps['positive']).toMatchObject({ failed: 2, refused: 2 })
  })

  it('refuse item by item where partial is set', async () => {
    const [got, answered, order] = [new Map<string, Row>(), new Map<string, Done>(), [] as string[]]
    const { plan, registry } = pipelineOf(() => requests([[{ n: 3 }, { n: -4 }]], answered, order), got, order, true)
    await run(plan, registry, { root: home, home, secrets: () => undefined })
    expect([...got.values()]).toEqual([{ n: 3, seen: true }])
    expect(answered.get('r0')!.answers!.map((a) => a.outcome)).toEqual(['taken', 'refused'])
  })

  it('save their answers in the transaction of the epoch', async () => {
    const [got, answered, order] = [new Map<string, Row>(), new Map<string, Done>(), [] as string[]]
    const { plan, registry } = pipelineOf(() => requests([[{ n: 3 }]], answered, order), got, order, false)
    await run(plan, registry, { root: home, home, secrets: () => undefined })
    const { readStore } = await import('../../src/store/index.ts')
    const store = readStore(join(home, 'test'))!
    expect(store.recall('source', 'key-r0')).toEqual({ records: 1 })
    store.close()
  })
})
