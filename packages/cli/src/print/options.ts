/** A definition's options as rows of a table, for `pipe describe` and the READMEs of connectors. */
import type { OptionSchema } from '@millrace/core'

/** One option. `name` has dots if it is nested, `[]` for the items of a list and `*` for arbitrary keys. */
export interface OptionRow {
  readonly name: string
  readonly type: string
  readonly required: boolean
  /** As a user would type it; empty: none. */
  readonly fallback: string
  readonly description: string
  readonly example: string
}

/**
 * All options of a schema, nested ones after their parent. A schema that is not a map of options is one row without a
 * name.
 */
export function optionRows(schema: OptionSchema): OptionRow[] {
  return schema.properties ? propertyRows(schema, '') : [rowOf('', schema, true), ...nested(schema, '')]
}

function propertyRows(schema: OptionSchema, prefix: string): OptionRow[] {
  const required = new Set(schema.required)
  return Object.entries(schema.properties ?? {}).flatMap(([key, option]) => [
    rowOf(prefix + key, option, required.has(key)),
    ...nested(option, prefix + key),
  ])
}

const rowOf = (name: string, option: OptionSchema, required: boolean): OptionRow => ({
  name,
  type: optionType(option),
  required,
  fallback: option.default === undefined ? '' : typed(option.default),
  description: option.description ?? '',
  example: option.examples?.length ? typed(option.examples[0]) : '',
})

function nested(option: OptionSchema, name: string): OptionRow[] {
  const rows = option.properties ? propertyRows(option, name && `${name}.`) : []
  if (option.items) rows.push(...nested(option.items, `${name}[]`))
  if (typeof option.additionalProperties === 'object')
    rows.push(...nested(option.additionalProperties, `${name && `${name}.`}*`))
  for (const choice of option.anyOf ?? []) rows.push(...nested(choice, name))
  return rows
}

/** The type in a few words: `duration`, `list of text`, `jsonl | csv`. */
export function optionType(option: OptionSchema): string {
  if (option.enum) return option.enum.join(' | ')
  if (option.anyOf) return [...new Set(option.anyOf.map(optionType))].join(' | ')
  if (option.format) return option.format === 'record' ? 'schema' : option.format
  if (option.type === 'array') return option.items ? `list of ${optionType(option.items)}` : 'list'
  if (option.type === 'object')
    return typeof option.additionalProperties === 'object' ? `map of ${optionType(option.additionalProperties)}` : 'map'
  return option.type === 'string' ? 'text' : (option.type ?? 'any')
}

const typed = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

/** The rows as a Markdown table. */
export function optionsMarkdown(schema: OptionSchema): string {
  const rows = optionRows(schema)
  if (rows.length === 0) return 'It has no options.\n'
  const code = (text: string) => (text === '' ? '' : `\`${text.replaceAll('|', '\\|')}\``)
  const lines = rows.map((row) => {
    const what = row.example === '' ? row.description : `${row.description} Example: ${code(row.example)}`
    return `| ${code(row.name) || '(its value)'} | ${row.type.replaceAll('|', '\\|')} | ${row.required ? 'required' : code(row.fallback)} | ${what.replaceAll('\n', ' ')} |`
  })
  return `${['| option | type | default | description |', '|---|---|---|---|', ...lines].join('\n')}\n`
}
