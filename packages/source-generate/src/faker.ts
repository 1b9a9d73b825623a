/** Faker, loaded when something is read, drawing from the generator's own numbers and at the generator's own time. */
import type { Faker } from '@faker-js/faker'
import { MillraceError, printJson } from '@millrace/core'
import type { Draws } from './draws.ts'
import { type FakeKind, fakerMethods } from './faker-methods.ts'
import { inYears } from './time.ts'

/** Calls a method of Faker, which takes `nowMs` for the time. */
export type Fake = (nowMs: number) => unknown

/** Makes the call of a method with its arguments. Throws `fake_failed` when it is called, if Faker refuses them. */
export type Fakes = (path: string, argument: unknown) => Fake

/** Loads Faker. */
export async function loadFakes(draws: Draws): Promise<Fakes> {
  // The English locale alone loads in a sixth of the time of all.
  const { faker: english } = await import('@faker-js/faker/locale/en')
  const randomizer = { next: draws.fraction, seed: () => {} }
  const faker = new (english.constructor as typeof Faker)({ locale: english.rawDefinitions, randomizer })
  let now = 0
  faker.setDefaultRefDate(() => new Date(now))
  return (path, argument) => {
    const [module, name] = path.split('.') as [string, string]
    const methods = (faker as unknown as Record<string, Record<string, (...args: unknown[]) => unknown>>)[module]!
    const args = argument === undefined ? [] : Array.isArray(argument) ? (argument as unknown[]) : [argument]
    const isRight = isOf[fakerMethods.get(path)!]
    const refused = (why: string, cause?: unknown) =>
      new MillraceError('fake_failed', `${path} with ${printJson(args)} ${why}`, {
        hint: `see https://fakerjs.dev/api/${module}#${name.toLowerCase()} for its arguments`,
        exitCode: 2,
        cause,
      })
    return (nowMs) => {
      now = nowMs
      let value: unknown
      try {
        value = methods[name]!(...args)
      } catch (cause) {
        throw refused(`fails: ${(cause as Error).message}`, cause)
      }
      const made = value instanceof Date ? value.getTime() : value
      if (!isRight(made)) throw refused(`makes ${String(value)}, which is no ${fakerMethods.get(path)}`)
      return made
    }
  }
}

const isOf: Readonly<Record<FakeKind, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  boolean: (value) => typeof value === 'boolean',
  integer: Number.isSafeInteger,
  number: Number.isFinite,
  bigint: (value) => typeof value === 'bigint' && BigInt.asIntN(64, value) === value,
  timestamp: (value) => Math.abs(value as number) <= Number.MAX_SAFE_INTEGER && inYears(value as number) === value,
}
