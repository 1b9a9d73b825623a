/** Reads the keys of a map against a shape: simple ones are resolved, parts stay nodes for their own readers. */
import { closest } from '../errors/closest.ts'
import type { Json } from '../record/index.ts'
import { pathText, type Report } from './finding.ts'
import { expectedOf, resolveDefault, resolveOptions } from './options.ts'
import type { Shape } from './shape.ts'
import { suggest } from './suggest.ts'
import type { MapEntry, SpecNode } from './tree.ts'

export interface ReadKeys {
  /** Entries by key, of those in the shape. */
  readonly keys: ReadonlyMap<string, MapEntry>
  /** Resolved values of the simple keys, with defaults. */
  readonly values: Readonly<Record<string, Json>>
  /** Entries that are not in the shape; reported unless `others` was set. */
  readonly rest: readonly MapEntry[]
}

/** `others`: entries beyond the shape are returned instead of reported. */
export function readKeys(node: SpecNode, shape: Shape, path: string, report: Report, others = false): ReadKeys {
  const keys = new Map<string, MapEntry>()
  const values: Record<string, Json> = {}
  const rest: MapEntry[] = []
  if (node.kind !== 'map') {
    report(
      'wrong_type',
      node.place,
      path,
      node.kind === 'scalar' && node.value === null ? 'a map is missing' : 'this must be a map of keys',
      {
        expected: `a map with ${Object.keys(shape).slice(0, 4).join(', ')}, ...`,
      },
    )
    return { keys, values, rest }
  }
  for (const entry of node.entries) {
    const schema = Object.hasOwn(shape, entry.key) ? shape[entry.key] : undefined
    if (!schema) {
      rest.push(entry)
      continue
    }
    keys.set(entry.key, entry)
    if (!isSimple(schema)) continue
    const value = resolveOptions(entry.value, schema, pathText(path, [entry.key]), {
      report,
      schemaFile: () => undefined,
    })
    if (value !== undefined) values[entry.key] = value
  }
  if (!others) {
    const left = Object.keys(shape).filter((key) => !keys.has(key))
    for (const { key, keyPlace } of rest)
      report('unknown_key', keyPlace, pathText(path, [key]), `unknown key \`${key}\``, {
        hint: suggest(key, closest(key, left) ? left : Object.keys(shape)),
      })
  }
  for (const [key, schema] of Object.entries(shape)) {
    if (keys.has(key)) continue
    if (schema.default !== undefined) values[key] = resolveDefault(schema)
    else if (!schema['~optional'] && isSimple(schema) && !rest.some((entry) => closest(entry.key, [key]))) {
      const example = schema.examples?.[0]
      report('missing_key', { ...node.place, end: node.place.start }, path, `\`${key}\` is missing`, {
        expected: expectedOf(schema),
        hint: example === undefined ? undefined : `for example ${key}: ${String(example)}`,
      })
    }
  }
  return { keys, values, rest }
}

/** Whether a key is resolved here; schemas and parts are not. */
const isSimple = (schema: Shape[string]): boolean =>
  (schema.type !== undefined || schema.anyOf !== undefined || schema.enum !== undefined) && schema.format !== 'record'
