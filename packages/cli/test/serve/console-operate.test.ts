/** Operating from the console: replay with a trial first, ending runs, what is saved, what is connected to. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { logPath, openLog } from '@millrace/client-log'
import type { Letters, Run, State } from '@millrace/console/wire'
import { describe, expect, it } from 'vitest'
import { freshFolder, pipe } from '../terminal.ts'
import { open, project, secret } from './console.ts'

const beside = ['console', '--port', '0', '--json']

describe('operating from the console', { timeout: 90_000 }, () => {
  it('tries bad records without writing, replays them, and says what became of each', async () => {
    const folder = project()
    const spec = join(folder, 'pipelines', 'numbers.yaml')
    writeFileSync(join(folder, 'data.csv'), 'n,name\n1,a\n2,b\n3.5,c\nx,d\n')
    expect(await pipe(['run', 'numbers'], folder)).toMatchObject({ code: 0 })
    const rows = async () => (await pipe(['query', 'all', 'numbers', '--json', '--sort', 'n'], folder)).out
    const before = await rows()
    writeFileSync(spec, readFileSync(spec, 'utf8').replace('n: integer', 'n: number'))
    const { ask, signIn } = await open(beside, folder)
    await signIn()
    const kind = { step: 'source', code: 'not_integer' }
    const trial = await ask(`/api/pipelines/numbers/trial?${new URLSearchParams({ ...kind, field: 'n' })}`)
    expect(trial.json()).toMatchObject({
      tried: 2,
      passing: 1,
      letters: [
        { step: 'source', passes: true },
        { step: 'source', passes: false, at: 'source', code: 'not_number' },
      ],
    })
    // It wrote nothing.
    expect(await rows()).toBe(before)
    const { letters } = (await ask('/api/pipelines/numbers/letters')).json<Letters>()
    expect(letters).toHaveLength(2)
    const replayed = await ask('/api/pipelines/numbers/replay', {}, { ...kind, field: 'n' })
    expect(replayed.json()).toMatchObject({
      asked: 2,
      replayed: 1,
      failed: 1,
      skipped: 0,
      imbalances: [],
      letters: [{ passes: true }, { passes: false, at: 'source', code: 'not_number' }],
    })
    expect(JSON.parse(await rows())).toMatchObject([{ n: 2 }, { n: 3.5 }])
    // The other one stays open; nothing is replayed where nothing says which.
    const left = (await ask('/api/pipelines/numbers/letters')).json<Letters>()
    expect(left.letters.map(({ text }) => text.trim())).toEqual(['x,d'])
    expect((await ask('/api/pipelines/numbers/replay', {}, {})).json()).toMatchObject({ asked: 0, replayed: 0 })
  })

  it('replays a message without the headers that it came with', async () => {
    const folder = freshFolder()
    mkdirSync(join(folder, 'pipelines'))
    writeFileSync(
      join(folder, 'millrace.yaml'),
      'name: shop\nconnections:\n  events: { type: log, config: { path: events } }\n',
    )
    const spec = join(folder, 'pipelines', 'pass.yaml')
    writeFileSync(
      spec,
      `version: 1
name: pass
source: { connection: events, config: { stream: in, stop: end }, schema: { fields: { n: integer } } }
sinks: { out: { connection: events, config: { stream: out } } }
on_error: { data: dead_letter }
dead_letter: { type: sqlite, config: { path: store.db, collection: bad } }
`,
    )
    const logOf = (stream: string) => openLog(logPath(join(folder, 'events'), stream), { partitions: 1 })!
    const given = logOf('in')
    const body = Buffer.from('{"n":3.5}')
    const headers = [
      [
        ['retry-count', '3'],
        ['error', 'stale'],
      ] as const,
    ]
    const ends = Int32Array.of(body.length)
    given.append([{ partition: 0, count: 1, time: 1, ids: ['id0'], keys: undefined, headers, body, ends }])
    given.close()
    expect(await pipe(['run', 'pass'], folder)).toMatchObject({ code: 0 })
    writeFileSync(spec, readFileSync(spec, 'utf8').replace('n: integer', 'n: number'))
    const { ask, signIn } = await open(beside, folder)
    await signIn()
    const { letters } = (await ask('/api/pipelines/pass/letters')).json<Letters>()
    const replayed = await ask('/api/pipelines/pass/replay', {}, { ids: letters.map(({ id }) => id) })
    expect(replayed.json()).toMatchObject({ asked: 1, replayed: 1 })
    const written = logOf('out')
    const [chunk] = written.read(0, 0, 1 << 20)
    written.close()
    expect(chunk).toMatchObject({ count: 1, ids: ['id0'], headers: undefined })
    expect(Buffer.from(chunk!.body).toString()).toContain('{"n":3.5}')
  })

  it('ends a run, which is then neither done nor failed, and starts another', async () => {
    const folder = freshFolder()
    mkdirSync(join(folder, 'pipelines'))
    writeFileSync(join(folder, 'millrace.yaml'), 'name: shop\n')
    writeFileSync(
      join(folder, 'pipelines', 'ticks.yaml'),
      `version: 1
name: ticks
source:
  type: generate
  config: { rate: "20/s", fields: { n: sequence } }
  schema: { fields: { n: integer } }
sinks: { none: { type: "null" } }
`,
    )
    const { ask, signIn, served } = await open(undefined, folder)
    await signIn()
    await served.seen('ticks', 'started')
    const runs = async () => (await ask('/api/runs')).json<{ runs: Run[] }>().runs
    const [first] = await runs()
    expect(first).toMatchObject({ state: 'running', cause: 'stream' })
    expect((await ask(`/api/runs/${first!.id}/cancel`, {}, {})).status).toBe(200)
    await served.seen('ticks', 'cancelled')
    expect(await runs()).toMatchObject([{ id: first!.id, state: 'cancelled' }])
    // It is held: ending it twice changes nothing, and it is not started by itself.
    expect((await ask(`/api/runs/${first!.id}/cancel`, {}, {})).json()).toMatchObject({ run: { state: 'cancelled' } })
    await sleep(500)
    expect(await runs()).toHaveLength(1)
    await ask('/api/pipelines/ticks/trigger', {}, {})
    await served.seen('ticks', 'started', 2)
    expect(await runs()).toMatchObject([{ state: 'running' }, { state: 'cancelled' }])
    expect((await ask('/api/runs/99/cancel', {}, {})).status).toBe(404)
  })

  it('shows what is saved, and what doctor finds, without secrets', async () => {
    const folder = project()
    expect(await pipe(['run', 'numbers'], folder)).toMatchObject({ code: 0 })
    const { ask, signIn } = await open(beside, folder)
    await signIn()
    const { instances, rescale } = (await ask('/api/pipelines/numbers/state')).json<State>()
    expect(instances).toMatchObject([{ ended: true, incarnation: 1, heldBy: null, stages: 0, positions: [{}] }])
    expect(instances[0]!.bytes).toBeGreaterThan(0)
    expect(rescale).toMatch(/\w/)
    expect((await ask('/api/pipelines/post/state')).json()).toMatchObject({ instances: [] })
    const listed = await ask('/api/connections')
    const found = await ask('/api/connections/doctor')
    expect(found.json()).toMatchObject({
      connections: expect.arrayContaining([expect.objectContaining({ type: 'http', state: 'failed' })]),
    })
    for (const { text } of [listed, found]) expect(text).not.toContain(secret)
  })
})
