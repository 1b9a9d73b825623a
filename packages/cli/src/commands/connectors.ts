import type { Definition } from '@millrace/core'
import { loadConnectors } from '../builtins.ts'
import { defineCommand, usageError } from '../command.ts'
import { findRoot } from '../project.ts'
import { table } from '../print/table.ts'

const kinds = ['source', 'transform', 'sink'] as const

export default defineCommand({
  name: 'connectors',
  summary:
    'List the available sources, steps and sinks: the built-in ones and those of the packages this project depends on.',
  args: [['[KIND]', 'source, step or sink; default: all.']],
  flags: { json: { type: 'boolean', description: 'Print JSON.' } },
  examples: [
    ['pipe connectors', 'All of them, by kind.'],
    ['pipe connectors sink --json', 'The sinks, as JSON.'],
  ],
  async run({ flags, args: [kind] }, io) {
    const wanted = kind === undefined ? kinds : kinds.filter((each) => each === (kind === 'step' ? 'transform' : kind))
    if (wanted.length === 0) throw usageError(`There is no kind \`${kind}\`.`, 'Kinds are source, step and sink.')
    const registry = await loadConnectors(findRoot(io.cwd), 'all')
    const found = registry.all
      .filter(({ definition }) => wanted.includes(definition.kind))
      .toSorted((a, b) => order(a.definition) - order(b.definition))
    if (flags.json) {
      io.out(
        `${JSON.stringify(
          found.map((each) => ({
            kind: word(each.definition),
            type: each.definition.type,
            package: each.package,
            summary: each.definition.summary,
          })),
          undefined,
          2,
        )}\n`,
      )
      return 0
    }
    io.out(
      table(
        [{ title: 'kind' }, { title: 'type' }, { title: 'description' }, { title: 'package' }],
        found.map((each) => [word(each.definition), each.definition.type, each.definition.summary, each.package]),
        100,
      ),
    )
    io.out('\nFor details: pipe describe TYPE\n')
    return 0
  },
})

const order = (definition: Definition): number => kinds.indexOf(definition.kind)

/** In specs and for users a transform is a step. */
const word = (definition: Definition): string => (definition.kind === 'transform' ? 'step' : definition.kind)
