import { pageJsonSchema, specJsonSchema, testJsonSchema } from '@millrace/core'
import { loadConnectors } from '../builtins.ts'
import { defineCommand } from '../command.ts'
import { findRoot } from '../project.ts'

export default defineCommand({
  name: 'schema print',
  summary: 'Print the JSON Schema of specs, with the available connectors and steps, for completion in editors.',
  details:
    'In VS Code with the YAML extension: "yaml.schemas": { "./spec.schema.json": "pipelines/*.yaml" }. A test file names its schema in its first line: # yaml-language-server: $schema=../test.schema.json',
  flags: {
    tests: { type: 'boolean', description: 'That of test files instead.' },
    pages: { type: 'boolean', description: 'That of pages instead.' },
    json: { type: 'boolean', description: 'Accepted and ignored: the output is always JSON.' },
  },
  examples: [
    ['pipe schema print > spec.schema.json', 'Write it next to your specs.'],
    ['pipe schema print --tests > test.schema.json', 'That of test files.'],
    ['pipe schema print --pages > page.schema.json', 'That of pages.'],
  ],
  async run({ flags }, io) {
    if (flags.tests || flags.pages) {
      io.out(`${JSON.stringify(flags.tests ? testJsonSchema() : pageJsonSchema(), undefined, 2)}\n`)
      return 0
    }
    const registry = await loadConnectors(findRoot(io.cwd), 'all')
    io.out(`${JSON.stringify(specJsonSchema(registry), undefined, 2)}\n`)
    return 0
  },
})
