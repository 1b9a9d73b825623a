import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { liveUrl } from '@millrace/testkit'
import { MongoClient } from 'mongodb'
import { describe, expect, it, onTestFinished } from 'vitest'
import { freshFolder, pipe } from './terminal.ts'

const url = liveUrl('MONGODB')

describe.skipIf(!url)('bad records on the way to MongoDB', () => {
  it('are exactly those in the dead letter; replaying them after a fix completes the set, twice is harmless', {
    timeout: 60_000,
  }, async () => {
    const folder = freshFolder()
    const database = `replay-${randomUUID().slice(0, 8)}`
    const client = new MongoClient(url!)
    onTestFinished(async () => {
      await client.db(database).dropDatabase()
      await client.close()
    })
    // Every seventh date is in a different order; numbers from 90 on break the collection's rule.
    const rows = Array.from({ length: 100 }, (_, n) => `${n},${n % 7 === 0 ? '2020-28-02' : '2020-02-28'}`)
    writeFileSync(join(folder, 'in.csv'), `n,day\n${rows.join('\n')}\n`)
    writeFileSync(join(folder, 'millrace.yaml'), 'version: 1\n')
    const spec = (formats: string) => `version: 1
name: numbers
source:
  type: csv
  config: { path: in.csv }
  schema: { fields: { n: integer, day: string } }
steps:
  - parse_dates: { day: { formats: [${formats}], to: "dd.MM.yyyy" } }
sinks:
  documents:
    type: mongodb
    config: { url: "${url}", database: ${database}, collection: numbers, collection_options: { validator: { n: { $lt: 90 } } } }
on_error: { data: dead_letter }
dead_letter: { type: files, config: { path: dead/, format: jsonl } }
`
    const path = join(folder, 'numbers.yaml')
    const numbers = client.db(database).collection('numbers')
    const stored = async () =>
      (await numbers.find({}, { projection: { n: 1 } }).toArray())
        .map((doc) => doc['n'] as number)
        .sort((a, b) => a - b)
    const isBad = (n: number) => n % 7 === 0 || n >= 90
    const all = Array.from({ length: 100 }, (_, n) => n)

    writeFileSync(path, spec('yyyy-MM-dd'))
    expect(await pipe(['run', 'numbers.yaml'], folder)).toMatchObject({ code: 0 })
    expect(await stored()).toEqual(all.filter((n) => !isBad(n)))
    const letters = JSON.parse((await pipe(['dead-letter', 'list', 'numbers.yaml', '--json'], folder)).out) as unknown[]
    expect(letters).toHaveLength(all.filter(isBad).length)

    await client.db(database).command({ collMod: 'numbers', validator: {} })
    writeFileSync(path, spec('yyyy-MM-dd, yyyy-dd-MM'))
    const replayed = await pipe(['dead-letter', 'replay', 'numbers.yaml', '--json'], folder)
    expect(JSON.parse(replayed.out)).toMatchObject({
      letters: all.filter(isBad).length,
      replayed: all.filter(isBad).length,
      failedAgain: [],
    })
    expect(await stored()).toEqual(all)
    expect(JSON.parse((await pipe(['dead-letter', 'replay', 'numbers.yaml', '--json'], folder)).out)).toMatchObject({
      replayed: 0,
      skipped: all.filter(isBad).length,
    })
    expect(await stored()).toEqual(all)
  })
})
