import { closest, type Definition, MillraceError } from '@millrace/core'
import { builtins, loadConnectors } from '../builtins.ts'

import { defineCommand } from '../command.ts'
import { optionRows } from '../print/options.ts'
import { findRoot } from '../project.ts'

export default defineCommand({
  name: 'describe',
  summary:
    'Explain a source, step or sink: what it does, its options with defaults and examples, and what it guarantees.',
  args: [['TYPE', 'As in a spec: `csv`, `parse_dates`, `files`.']],
  flags: { json: { type: 'boolean', description: 'Print its options as JSON Schema.' } },
  examples: [
    ['pipe describe csv', 'The CSV source with its options.'],
    ['pipe describe files --json', 'Source and sink for files, as JSON Schema.'],
  ],
  async run({ flags, args: [type] }, io) {
    const root = findRoot(io.cwd)
    const known = builtins.filter((each) => each.type === type)
    const wanted =
      known.length > 0 ? known : (['source', 'sink', 'transform'] as const).map((kind) => ({ kind, type: type! }))
    const registry = await loadConnectors(root, wanted)
    const found = registry.all.map((each) => each.definition)
    if (found.length === 0) {
      const near = closest(
        type!,
        builtins.map((each) => each.type),
      )
      throw new MillraceError('unknown_type', `No source, step or sink is named \`${type}\`.`, {
        exitCode: 2,
        hint: near ? `Did you mean \`${near}\`?` : 'See `pipe connectors`, or install its package.',
      })
    }
    if (flags.json)
      io.out(
        `${JSON.stringify(
          found.map(({ kind, summary, options }) => ({ kind, type, summary, options })),
          undefined,
          2,
        )}\n`,
      )
    else io.out(found.map(describe).join('\n\n'))
    return 0
  },
})

function describe(definition: Definition): string {
  const { kind, type, summary, options } = definition
  const lines = [`${kind === 'transform' ? 'step' : kind} ${type}: ${summary}`, '', 'Options:']
  const rows = optionRows(options)
  for (const row of rows) {
    lines.push(
      `  ${row.name || `${type}: ...`}  (${row.type}${row.required ? ', required' : row.fallback === '' ? '' : `, default ${row.fallback}`})`,
    )
    if (row.description) lines.push(`      ${row.description}`)
    if (row.example) lines.push(`      Example: ${row.example}`)
  }
  if (rows.length === 0) lines.push('  none')
  if (definition.kind !== 'transform' && definition.serves?.length)
    lines.push('', `Supports connections of kind ${definition.serves.join(', ')}.`)
  return `${lines.join('\n')}\n`
}
