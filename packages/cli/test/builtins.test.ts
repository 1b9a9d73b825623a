import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Definition } from '@millrace/core'
import { expect, it } from 'vitest'
import { builtins, loadConnectors } from '../src/builtins.ts'

const packages = resolve(import.meta.dirname, '../..')

it.each([...new Set(builtins.map((each) => each.package))])(
  'includes all of %s, each under its own name',
  async (name) => {
    const own = builtins.filter((each) => each.package === name)
    const { default: definitions } = (await import(join(packages, name.replace('@millrace/', ''), 'src/index.ts'))) as {
      default: readonly Definition[]
    }
    expect(await Promise.all(own.map(async (each) => [each.kind, each.type, await each.load()]))).toEqual(
      definitions.map((each) => [each.kind, each.type, each]),
    )
  },
)

it.each(['kafka', 'mongodb'])('does not include %s, and finds it installed next to the command', async (type) => {
  expect(builtins.map((each) => each.type)).not.toContain(type)
  const registry = await loadConnectors(tmpdir(), [
    { kind: 'source', type },
    { kind: 'sink', type },
  ])
  expect(registry.packageOf('source', type)).toBe(`@millrace/source-${type}`)
  expect(registry.packageOf('sink', type)).toBe(`@millrace/sink-${type}`)
})
