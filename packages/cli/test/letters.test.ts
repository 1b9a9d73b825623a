/** Dead letters are found again wherever a spec keeps them. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { freshFolder, pipe } from './terminal.ts'

const spec = (deadLetter: string, type: string) => `version: 1
name: job
source: { type: csv, config: { path: data.csv }, schema: { fields: { id: ${type} } } }
sinks: { out: { type: sqlite, config: { path: store.db, collection: t } } }
on_error: { data: dead_letter }
dead_letter: ${deadLetter}
`

describe('dead letters', () => {
  it.each([
    '{ type: files, config: { path: dead/ } }',
    '{ type: files, config: { path: dead.jsonl } }',
    '{ type: files, config: { path: "dead/{code}/x.jsonl" } }',
    '{ type: files, config: { path: dead/, format: csv } }',
    `{ type: files, config: { path: dead.txt, format: { type: csv, delimiter: ";", quote: "'", nulls: "-" } } }`,
    '{ type: files, config: { path: dead/, format: json } }',
    '{ type: files, config: { path: dead/, format: parquet } }',
    '{ type: files, config: { path: dead/, format: arrow } }',
    '{ type: files, config: { path: dead/, compression: gzip } }',
    '{ type: sqlite, config: { path: dead.db, collection: letters } }',
    '{ type: sqlite, config: { path: dead.db, table: letters } }',
  ])('in %s do not exist before the first run, and are listed and delivered after it', async (deadLetter) => {
    const folder = freshFolder()
    writeFileSync(join(folder, 'millrace.yaml'), 'version: 1\n')
    writeFileSync(join(folder, 'data.csv'), 'id\n1\n"x, y"\n3\n')
    writeFileSync(join(folder, 'job.yaml'), spec(deadLetter, 'integer'))
    const list = () => pipe(['dead-letter', 'list', 'job.yaml'], folder)
    expect(await list()).toMatchObject({ code: 0, out: expect.stringContaining('The dead letter is empty') })
    expect(await pipe(['run', 'job.yaml'], folder)).toMatchObject({ code: 0 })
    expect(await list()).toMatchObject({ code: 0, out: expect.stringMatching(/data\.csv:3[^]*not_integer[^]*"x, y"/) })
    writeFileSync(join(folder, 'job.yaml'), spec(deadLetter, 'string'))
    const replayed = await pipe(['dead-letter', 'replay', 'job.yaml', '--json'], folder)
    expect(replayed).toMatchObject({ err: '' })
    expect(JSON.parse(replayed.out)).toMatchObject({ letters: 1, failedAgain: [] })
  })

  it('are found by a query too, in a collection and in a table', async () => {
    const folder = freshFolder()
    writeFileSync(join(folder, 'millrace.yaml'), 'version: 1\n')
    writeFileSync(join(folder, 'data.csv'), 'id\n1\nx\n3\n')
    writeFileSync(
      join(folder, 'job.yaml'),
      spec('{ type: sqlite, config: { path: dead.db, table: letters } }', 'integer'),
    )
    await pipe(['run', 'job.yaml'], folder)
    const query = async (...words: string[]) =>
      JSON.parse((await pipe(['query', ...words, '--json'], folder)).out) as unknown
    expect(await query('out', 't', '--spec', 'job.yaml')).toMatchObject([{ id: 1 }, { id: 3 }])
    expect(await query('dead_letter', 'letters', '--spec', 'job.yaml')).toMatchObject([{ code: 'not_integer' }])
  })
})
