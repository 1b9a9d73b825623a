/** Loads by a job of Glue. */
import type { Json, RecordType } from '@millrace/core'
import { type HttpProxy, httpProxy } from '@millrace/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { flush, load, makePlace, type Place, publish, type Some, tableRows, urls, write } from './place.ts'

const schema: RecordType = { fields: { n: { type: { kind: 'integer' }, optional: false } } }
const rows = (count: number) => Array.from({ length: count }, (_, n) => ({ n }))

describe.skipIf(!urls)('a job of Glue', () => {
  let proxy: HttpProxy
  beforeAll(async () => {
    proxy = await httpProxy(urls!.glue)
  })
  afterAll(() => proxy.close())

  let jobs = 0
  async function setup(more: Some = {}) {
    const place = await makePlace()
    await place.ask(`CREATE TABLE ${place.schema}.t (n int)`)
    const glue = { job: `load-${place.schema}-${jobs++}`, endpoint: proxy.url, poll: 20 }
    const options: Some = { table: 't', load: 'glue', glue, url: undefined, iam_role: undefined, ...more }
    proxy.set(() => 'none')
    return { place, options, glue }
  }
  const count = async (place: Place) => (await tableRows(place, 't', schema)).length

  test('loads what was staged', async () => {
    const { place, options } = await setup()
    await load(await place.open(options, schema), rows(50))
    expect(await count(place)).toBe(50)
    expect(await place.keys()).toEqual([])
  })

  test('whose start has lost its answer is found again, and not started twice', async () => {
    const { place, options } = await setup()
    const sink = await place.open(options, schema)
    await write(sink, rows(50))
    const saved = await flush(sink)
    proxy.set((_, n) => (n === 0 ? 'lose_answer' : 'none'))
    await expect(publish(sink, saved)).rejects.toMatchObject({ name: 'SystemError', retry: true })
    await publish(sink, saved)
    expect(await count(place)).toBe(50)
  })

  test('whose start was never received is started', async () => {
    const { place, options } = await setup()
    const sink = await place.open(options, schema)
    await write(sink, rows(50))
    const saved = await flush(sink)
    proxy.set((_, n) => (n === 0 ? 'lose_request' : 'none'))
    await expect(publish(sink, saved)).rejects.toMatchObject({ name: 'SystemError', retry: true })
    await publish(sink, saved)
    expect(await count(place)).toBe(50)
  })

  test('that a process started before it died is found by the next one', async () => {
    const { place, options } = await setup({ after_load: 'keep' })
    const sink = await place.open(options, schema)
    const saved = await load(sink, rows(50))
    const next = await place.open(options, schema, { restore: saved.resume as Json, start: 'next' })
    await publish(next, saved)
    expect(await count(place)).toBe(50)
  })

  test('that fails stops the run with its message, and is started again by the next one', async () => {
    const { place, options, glue } = await setup()
    const sink = await place.open(options, schema)
    await write(sink, rows(50))
    const saved = await flush(sink)
    await place.ask(`DROP TABLE ${place.schema}.t`)
    await expect(publish(sink, saved)).rejects.toMatchObject({
      code: 'load_failed',
      retry: false,
      message: expect.stringMatching(new RegExp(`of the job ${glue.job} has failed: .*does not exist`)) as string,
    })
    await place.ask(`CREATE TABLE ${place.schema}.t (n int)`)
    const next = await place.open(options, schema, { restore: saved.resume as Json, start: 'next' })
    await publish(next, saved)
    expect(await count(place)).toBe(50)
  })

  test('that does not exist is an error with its name', async () => {
    const { place, options, glue } = await setup()
    const sink = await place.open({ ...options, glue: { ...glue, job: 'missing-job' } }, schema)
    await write(sink, rows(5))
    await expect(publish(sink, await flush(sink))).rejects.toMatchObject({
      code: 'resource_missing',
      message: expect.stringContaining('missing-job') as string,
    })
  })

  test('is looked at as often as poll says', async () => {
    const { place, options, glue } = await setup()
    const sink = await place.open({ ...options, glue: { ...glue, job: `slow-${glue.job}`, poll: 100_000 } }, schema)
    await write(sink, rows(5))
    const saved = await flush(sink)
    const abort = new AbortController()
    setTimeout(() => abort.abort(), 300)
    await expect(sink.publish!(saved.stages![0]!, { signal: abort.signal })).rejects.toMatchObject({ code: 'aborted' })
    expect(proxy.requests).toHaveLength(2)
  })
})
