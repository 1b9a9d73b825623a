/** Secrets are references in a plan; their values are only used where a connector is created. */
import { Secret } from '../connector/options.ts'
import type { Json } from '../record/index.ts'

/** Reads the value of a secret; undefined if there is none. */
export type Secrets = (name: string) => string | undefined

/**
 * A planned config as `create` gets it: references to secrets become `Secret`s. Throws a `TypeError` naming a secret
 * that is missing.
 */
export function resolveConfig(config: Json, secrets: Secrets): unknown {
  const reveal = (name: string): string => {
    const value = secrets(name)
    if (value === undefined) throw new TypeError(`secret \`${name}\` has no value`)
    return value
  }
  if (Array.isArray(config)) return config.map((item) => resolveConfig(item, secrets))
  if (typeof config !== 'object' || config === null) return config
  const map = config as Readonly<Record<string, Json>>
  if (typeof map['$secret'] === 'string') return new Secret(reveal(map['$secret']))
  if (Array.isArray(map['$secrets'])) {
    const parts = map['$secrets'] as readonly (string | { readonly $secret: string })[]
    return new Secret(parts.map((part) => (typeof part === 'string' ? part : reveal(part.$secret))).join(''))
  }
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, resolveConfig(value, secrets)]))
}

/** The names of all secrets in a value, such as a whole plan. */
export function secretNames(value: unknown): readonly string[] {
  const names = new Set<string>()
  const look = (each: unknown) => {
    if (typeof each !== 'object' || each === null) return
    if (typeof (each as { $secret?: unknown }).$secret === 'string') names.add((each as { $secret: string }).$secret)
    else for (const inner of Object.values(each)) look(inner)
  }
  look(value)
  return [...names]
}
