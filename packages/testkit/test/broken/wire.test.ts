/** Every check of what streams carry beside values detects a stream that is broken in just this way. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runCheck, type WireRecord, wireReading, wireWriting } from '../../src/contract/index.ts'

const module = new URL('./wire.ts', import.meta.url)
const subject = { module, type: 'wire' }

const source = (bug: string) => ({
  ...subject,
  wire: {
    put({ root }: { readonly root: string }, records: readonly WireRecord[]) {
      writeFileSync(join(root, 'stream.json'), JSON.stringify(records))
      return { file: 'stream.json', bug }
    },
  },
})
const sink = (bug: string) => ({
  ...subject,
  wire: {
    place: ({ root }: { readonly root: string }) => ({
      options: { file: 'stream.json', bug },
      contents: () => JSON.parse(readFileSync(join(root, 'stream.json'), 'utf8')) as WireRecord[],
    }),
  },
})

const beside = ['has keys of text', 'has no null headers', 'has each header once', 'has no tombstones']
/** The bugs that each check must detect. */
const bugs: Record<string, readonly string[]> = {
  'gives keys and headers as the bytes that they are, and knows which records have no value': beside,
  'has records without a value as bad ones, unless they are kept or left out': ['has no tombstones', 'never skips'],
  'reads headers and keys as fields that hold all of them, also from a dead letter': [
    'forgets a header in its field',
    'decodes without headers',
  ],
  'writes keys and headers as the bytes that they are, and no value where there is none': beside,
}

describe('a stream', () => {
  const checks = [
    ...wireReading.map((check) => ({ name: check.name, run: (bug: string) => runCheck(check, source(bug), 'source') })),
    ...wireWriting.map((check) => ({ name: check.name, run: (bug: string) => runCheck(check, sink(bug), 'sink') })),
  ]
  it('is broken in every way', () => expect(Object.keys(bugs)).toEqual(checks.map(({ name }) => name)))

  it.each(checks.map((check) => [check.name, check] as const))('that is right passes: %s', (_name, check) =>
    check.run(''),
  )

  it.each(checks.flatMap((check) => bugs[check.name]!.map((bug) => [bug, check] as const)))(
    'that %s is detected',
    async (bug, check) => expect(check.run(bug)).rejects.toThrow(),
  )

  it('has to say what it cannot carry', async () => {
    await expect(runCheck(wireReading[0]!, subject, 'source')).rejects.toThrow('must provide `wire`')
    await runCheck(wireReading[0]!, { ...subject, wire: { none: 'its keys are text' } }, 'source')
  })
})
