import type { Json } from '@millrace/core'
import { array, assert, boolean, integer, property, tuple } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createKeys } from '../src/keys.ts'

/** Keys over a memory as the engine keeps it: what is accepted can be recalled at once. */
function memory(limits: { keep: number; max: number }) {
  const saved = new Map<string, Json>()
  const open = () => createKeys((key) => saved.get(key), limits)
  let keys = open()
  return {
    saved,
    accept(names: readonly string[], at: number) {
      const accepted = names.map((name) => [name, { hash: `h ${name}`, status: 201, body: String(at) }] as const)
      for (const [key, value] of keys.accept(accepted, at)) value === null ? saved.delete(key) : saved.set(key, value)
    },
    has: (name: string) => keys.find(name) !== undefined,
    restart: () => {
      keys = open()
    },
  }
}

describe('the memory of idempotency keys', () => {
  it('holds the latest keys up to its limit, whatever comes at once, and nothing else', () => {
    assert(
      property(
        integer({ min: 1, max: 12 }),
        array(tuple(integer({ min: 1, max: 9 }), boolean()), { maxLength: 30 }),
        (max, groups) => {
          const keys = memory({ keep: 1e9, max })
          const model: string[] = []
          let n = 0
          for (const [size, restart] of groups) {
            const names = Array.from({ length: size }, () => `k${n++}`)
            keys.accept(names, Date.now())
            model.push(...names)
            if (restart) keys.restart()
          }
          const kept = model.slice(-max)
          expect(model.filter((name) => keys.has(name))).toEqual(kept)
          expect([...keys.saved.keys()].filter((key) => key.startsWith('key '))).toHaveLength(kept.length)
        },
      ),
    )
  })

  it('forgets what is too old, though there is room, and removes it from what is saved', () => {
    const keys = memory({ keep: 1000, max: 100 })
    const now = Date.now()
    keys.accept(['a', 'b'], now - 1001)
    keys.accept(['c'], now - 500)
    expect([keys.has('a'), keys.has('c')]).toEqual([false, true])
    keys.accept(['d'], now)
    expect([...keys.saved.keys()].filter((key) => key.startsWith('key ')).toSorted()).toEqual(['key c', 'key d'])
  })

  it('keeps a key that was accepted again after its time was over', () => {
    const keys = memory({ keep: 1000, max: 100 })
    const now = Date.now()
    keys.accept(['a', 'b'], now - 5000)
    keys.saved.set('key a', { hash: 'x', status: 201, text: 'null', at: now - 10 })
    keys.accept(['c'], now)
    expect([keys.has('a'), keys.has('b'), keys.has('c')]).toEqual([true, false, true])
  })
})
