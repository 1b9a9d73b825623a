import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Transform } from '../../src/connector.ts'
import type { Row } from '../../src/record.ts'
import { run } from '../../src/run/index.ts'
import type { Letter } from '../../src/run/letters.ts'
import { replay } from '../../src/run/replay.ts'
import { memorySink, memorySource, type TestPipeline, testPipeline } from '../../src/testing.ts'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'millrace-'))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

/** Makes two records of each; `broken`: those with this n and this half fail in the step after. */
const twice = (): Transform => ({
  apply({ rows }) {
    return {
      rows: rows.flatMap((r) => [
        { ...r, half: 0 },
        { ...r, half: 1 },
      ]),
      origins: Int32Array.from(rows.flatMap((_, i) => [i, i])),
    }
  },
})
const refuse = (n: number): Transform => ({
  apply({ rows }, out) {
    const kept: number[] = []
    for (const [i, row] of rows.entries()) {
      if (row['n'] === n && row['half'] === 1) out.fail(i, 'refused', { message: `n is ${n}` })
      else kept.push(i)
    }
    return { rows: kept.map((i) => rows[i]!), origins: Int32Array.from(kept) }
  },
})

describe('dead-letter replay', () => {
  it('gives a mended record to the step at which it stopped and what follows, and to no other branch', async () => {
    const stores = { raw: new Map<string, Row>(), halves: new Map<string, Row>(), dead: new Map<string, Row>() }
    const writes: Record<string, number> = { raw: 0, halves: 0 }
    const pipeline = (bad: number): TestPipeline => ({
      onError: 'dead_letter',
      sources: {
        source: () =>
          memorySource(
            Array.from({ length: 20 }, (_, n) => ({ n })),
            { bad: new Map(bad === 7 ? [[3, 'bad_date']] : []) },
          ),
      },
      steps: { twice: { create: twice, multiplies: true }, strict: { create: () => refuse(bad) } },
      sinks: {
        raw: {
          from: ['source'],
          create: () => memorySink(stores.raw, { onWrite: (ids) => void (writes['raw']! += ids.length) }),
        },
        halves: {
          create: () => memorySink(stores.halves, { onWrite: (ids) => void (writes['halves']! += ids.length) }),
        },
      },
      deadLetter: () => memorySink(stores.dead),
    })
    const around = { root: home, home, secrets: () => undefined }
    const broken = testPipeline(pipeline(7))
    await run(broken.plan, broken.registry, around)
    expect([stores.raw.size, stores.halves.size, stores.dead.size]).toEqual([19, 37, 2])
    const letters = [...stores.dead.values()] as unknown as Letter[]
    expect(letters.map((l) => l.id)).toEqual(['test/source/memory@3', 'test/source/memory@7#twice.1'])

    Object.assign(writes, { raw: 0, halves: 0 })
    const still = await replay(broken.plan, broken.registry, letters, around)
    expect(still).toMatchObject({
      letters: 2,
      replayed: 1,
      failedAgain: [{ id: 'test/source/memory@7#twice.1', step: 'strict', code: 'refused' }],
    })
    const mended = testPipeline(pipeline(-1))
    const plan = { ...mended.plan, specHash: 'mended' }
    expect(await replay(plan, mended.registry, letters, around)).toMatchObject({
      letters: 2,
      replayed: 1,
      skipped: 1,
      failedAgain: [],
    })
    expect([stores.raw.size, stores.halves.size]).toEqual([20, 40])
    expect(writes).toEqual({ raw: 1, halves: 3 })
    expect(stores.halves.get('test/source/memory@7#twice.1')).toEqual({ n: 7, half: 1 })
    expect(await replay(plan, mended.registry, letters, around)).toMatchObject({ replayed: 0, skipped: 2 })
    expect(writes).toEqual({ raw: 1, halves: 3 })
  })
})
