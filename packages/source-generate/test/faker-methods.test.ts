import { faker } from '@faker-js/faker/locale/en'
import { expect, it, vi } from 'vitest'
import { createDraws, drawKey } from '../src/draws.ts'
import { loadFakes } from '../src/faker.ts'
import { fakerMethods, needArgument } from '../src/faker-methods.ts'

type Methods = Record<string, (...args: unknown[]) => unknown>

/** What a method makes without arguments, in 50 calls; undefined: it fails, makes several things, or is deprecated. */
function kindMade(methods: Methods, name: string): string | undefined {
  const kinds = new Set<string>()
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
  try {
    for (let i = 0; i < 50; i++) {
      const value = methods[name]!()
      if (value instanceof Date) kinds.add('timestamp')
      else if (typeof value === 'number') kinds.add(Number.isInteger(value) ? 'integer' : 'number')
      else kinds.add(typeof value)
    }
    if (warn.mock.calls.length > 0) return undefined
  } catch {
    return undefined
  } finally {
    warn.mockRestore()
  }
  if (kinds.has('number')) kinds.delete('integer')
  return kinds.size === 1 && !kinds.has('object') ? [...kinds][0] : undefined
}

function methodsOf(module: object): string[] {
  const found = new Set<string>()
  for (let at = module; at && at !== Object.prototype; at = Object.getPrototypeOf(at) as object)
    for (const name of Object.getOwnPropertyNames(at))
      if (name !== 'constructor' && typeof (module as Methods)[name] === 'function') found.add(name)
  return [...found]
}

it('lists every method of the library that makes one value, with its type', () => {
  const own: [string, string][] = []
  for (const module of Object.keys(faker).filter((name) => name !== 'helpers' && name !== 'fakerCore')) {
    const methods = faker[module as 'person'] as unknown as Methods
    for (const name of methodsOf(methods)) {
      const kind = kindMade(methods, name)
      if (kind) own.push([`${module}.${name}`, kind])
    }
  }
  const listed = [...fakerMethods].filter(([path]) => !needArgument.has(path))
  expect(Object.fromEntries(listed)).toEqual(Object.fromEntries(own))
})

it('every method makes the same value from the same draw, at the same time', async () => {
  const draws = createDraws()
  const fakes = await loadFakes(draws)
  const key = drawKey('k')
  const made = (path: string, turn: number) => {
    draws.begin(key, turn)
    return fakes(path, undefined)(Date.UTC(2026, 0, 31))
  }
  for (const path of fakerMethods.keys()) {
    if (needArgument.has(path)) continue
    const all = [1, 2, 3].map((turn) => made(path, turn))
    expect([path, ...[1, 2, 3].map((turn) => made(path, turn))]).toEqual([path, ...all])
  }
})

it('says which argument Faker refuses', async () => {
  const fakes = await loadFakes(createDraws())
  expect(() => fakes('number.int', { min: 9, max: 1 })(0)).toThrow(
    expect.objectContaining({ code: 'fake_failed', message: expect.stringContaining('number.int') }),
  )
})
