/**
 * Every option of a schema by its path: `roll.size`; `*` for a free key. The alternatives of one option are walked
 * together.
 */
import type { OptionSchema } from '../../packages/core/src/index.ts'

export function optionPaths(schema: OptionSchema, path = ''): string[] {
  const below = (name: string, inner: OptionSchema) => {
    const at = path ? `${path}.${name}` : name
    return [at, ...optionPaths(inner, at)]
  }
  const found = [
    ...Object.entries(schema.properties ?? {}).flatMap(([name, inner]) => below(name, inner)),
    ...(typeof schema.additionalProperties === 'object' ? below('*', schema.additionalProperties) : []),
    ...(schema.items ? optionPaths(schema.items, path) : []),
    ...(schema.anyOf ?? []).flatMap((choice) => optionPaths(choice, path)),
  ]
  return [...new Set(found)]
}
