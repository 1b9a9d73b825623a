/**
 * Every option of every source, sink and step is read: a different value changes the result. An option without an entry
 * fails, and so does an entry without its option.
 */
import { describe, expect, it } from 'vitest'
import { allDefinitions } from '../../scripts/definitions.ts'
import { aws } from './aws.ts'
import { type Entry, whyNot } from './entry.ts'
import { fileSinks, fileSources, stored } from './files.ts'
import { gateway } from './gateway.ts'
import { generator } from './generator.ts'
import { requests } from './requests.ts'
import { servers } from './servers.ts'
import { warehouses } from './warehouses.ts'
import { steps } from './steps.ts'
import { streams } from './streams.ts'
import { optionPaths } from './walk.ts'

const entries: Readonly<Record<string, Entry>> = {
  ...fileSources,
  ...fileSinks,
  ...stored,
  ...steps,
  ...streams,
  ...generator,
  ...requests,
  ...gateway,
  ...servers,
  ...warehouses,
  ...aws,
}

const registered = (await allDefinitions()).flatMap(({ definition: { kind, type, options } }) =>
  optionPaths(options).map((path) => `${kind} ${type} ${path}`),
)

it('every option has an entry, and every entry an option', () => {
  expect(registered.filter((option) => !Object.hasOwn(entries, option))).toEqual([])
  expect(Object.keys(entries).filter((option) => !registered.includes(option))).toEqual([])
})

describe('another value gives another result', () => {
  it.each(Object.entries(entries))('%s', async (option, entry) => {
    if (!('see' in entry)) {
      expect(whyNot(entry, option)).toBeUndefined()
      return
    }
    const first = await entry.see(entry.a)
    expect(await entry.see(entry.a)).toEqual(first)
    expect(await entry.see(entry.b)).not.toEqual(first)
  })
})
