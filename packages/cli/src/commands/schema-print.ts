import { specJsonSchema } from '@millrace/core'
import { loadConnectors } from '../builtins.ts'
import { defineCommand } from '../command.ts'
import { findRoot } from '../project.ts'

export default defineCommand({
  name: 'schema print',
  summary: 'Print the JSON Schema of specs, with the available connectors and steps, for completion in editors.',
  details: 'In VS Code with the YAML extension: "yaml.schemas": { "./spec.schema.json": "pipelines/*.yaml" }.',
  flags: { json: { type: 'boolean', description: 'Accepted and ignored: the output is always JSON.' } },
  examples: [['pipe schema print > spec.schema.json', 'Write it next to your specs.']],
  async run(_given, io) {
    const registry = await loadConnectors(findRoot(io.cwd), 'all')
    io.out(`${JSON.stringify(specJsonSchema(registry), undefined, 2)}\n`)
    return 0
  },
})
