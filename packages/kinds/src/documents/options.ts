/** The options of every document sink, under the same names, so that a profile can swap them; and their checks. */
import {
  type Comparison,
  compileKey,
  fieldOf,
  option,
  type Option,
  type Problem,
  type RecordType,
} from '@millrace/core'

/** What a write does to the document of a key. */
export const documentWrites = ['upsert', 'insert', 'set', 'delete'] as const

/** Options that all document stores share. */
export const documentOptions = {
  key: option.optional(
    option.anyOf(
      [option.field('One field.'), option.list(option.field('A field.'), 'Several fields.', { min: 1 })],
      "What identifies a document or row: a field, or a list of fields. Default for documents: the record's id.",
      { example: 'InvoiceNo' },
    ),
  ) as Option<string | string[] | undefined>,
  fields: option.optional(
    option.list(
      option.field('A field.'),
      'With `write: set`: the fields to merge. Default: all; with `attribute`, only those of the key.',
      {
        example: ['Country'],
      },
    ),
  ),
  attribute: option.optional(
    option.object(
      {
        name: option.field('The field whose value names the attribute.', { example: 'InvoiceNo' }),
        value: option.list(option.field('A field.'), 'The fields that form its value, an object.', {
          min: 1,
          example: ['InvoiceDate', 'Country'],
        }),
      },
      'With `write: set`: one attribute per record, set in the document of the key.',
    ),
  ),
  indexes: option.optional(
    option.list(
      option.list(option.field('A field.'), 'The fields of one index.', { min: 1 }),
      'Indexes of the collection, for look-ups.',
      {
        example: [['CustomerID'], ['InvoiceNo']],
      },
    ),
  ),
  nulls: option.oneOf(['write', 'omit'], 'Documents: whether a null is written or its field left out.', {
    default: 'write',
  }),
}

/** The resolved options. */
export interface DocumentOptions {
  readonly key?: string | readonly string[] | undefined
  readonly fields?: readonly string[] | undefined
  readonly attribute?: { readonly name: string; readonly value: readonly string[] } | undefined
  readonly indexes?: readonly (readonly string[])[] | undefined
  readonly nulls: 'write' | 'omit'
}

const problem = (
  at: readonly (string | number)[],
  code: string,
  message: string,
  more: Partial<Problem> = {},
): Problem => ({ code, message, at, ...more })

/** Contradictions with the write mode. `indexable`: why a field of this name cannot be indexed. */
export function documentProblems(
  o: DocumentOptions,
  write: string,
  indexable: (field: string) => string | undefined,
): Problem[] {
  const found: Problem[] = []
  for (const name of ['fields', 'attribute'] as const) {
    if (o[name] !== undefined && write !== 'set')
      found.push(
        problem([name], 'bad_value', `\`${name}\` has no effect with \`write: ${write}\``, { hint: 'write: set' }),
      )
  }
  for (const [i, index] of (o.indexes ?? []).entries()) {
    for (const [k, field] of index.entries()) {
      const wrong = indexable(field)
      if (wrong)
        found.push(problem(['indexes', i, k], 'bad_value', `the field \`${field}\` cannot be indexed: ${wrong}`))
    }
  }
  return found
}

/** A field `_id` would hide the key, which documents show under that name. */
export function documentFieldProblems(input: RecordType): Problem[] {
  if (!fieldOf(input, '_id')) return []
  const hint = 'rename it with `select`, or use it as `key` and drop it'
  return [
    problem([], 'bad_value', 'a field `_id` cannot be stored: documents show their key under that name', { hint }),
  ]
}

/** Whether these fields find documents by their key or an index, without reading all. */
export const isLookedUp = (
  { key, indexes = [] }: Pick<DocumentOptions, 'key' | 'indexes'>,
  fields: readonly string[],
): boolean =>
  (key !== undefined && [key].flat().every((name) => fields.includes(name))) ||
  indexes.some(([first]) => first !== undefined && fields.includes(first))

/** The key, as text, of the only document that can fulfil these conditions; undefined: they do not say all of it. */
export function keyIn(
  key: string | readonly string[] | undefined,
  where: readonly Comparison[],
  type: RecordType | undefined,
): string | undefined {
  const names = key === undefined ? [] : [key].flat()
  const parts = names.map((name) => where.find(({ field, is }) => field === name && is === '=='))
  if (!type || parts.length === 0 || parts.includes(undefined)) return undefined
  const row = Object.fromEntries(parts.map((part) => [part!.field, part!.value]))
  return names.every((name) => fieldOf(type, name)) ? compileKey(type, names)(row) : undefined
}
