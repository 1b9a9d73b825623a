/** The option `key` of sinks: the fields that identify or order a record. */
import { fieldOf, isKeyType, type Problem, type RecordType, typeText } from '@millrace/core'

/** Options that name a key, and a field whose value names an attribute. */
export interface Keyed {
  readonly key?: string | readonly string[] | undefined
  readonly attribute?: { readonly name: string } | undefined
}

/** The key as a list; undefined: the record's id. */
export const keyFields = (o: Keyed): readonly string[] | undefined => (typeof o.key === 'string' ? [o.key] : o.key)

/**
 * Problems with the key and the attribute's name for records of this type. The check has verified that the named fields
 * exist.
 */
export function keyProblems(o: Keyed, input: RecordType): Problem[] {
  const found: Problem[] = []
  const scalar = (name: string, at: readonly (string | number)[]) => {
    const type = fieldOf(input, name)?.type
    if (type && !isKeyType(type))
      found.push({
        code: 'bad_value',
        message: `\`${name}\` cannot be a key: it is ${typeText(type)}`,
        at,
        expected: 'a scalar',
        got: typeText(type),
      })
  }
  for (const [i, name] of (keyFields(o) ?? []).entries()) scalar(name, typeof o.key === 'string' ? ['key'] : ['key', i])
  if (o.attribute) scalar(o.attribute.name, ['attribute', 'name'])
  return found
}
