import { readFileSync, writeFileSync } from 'node:fs'
import { basename, join, relative, resolve } from 'node:path'
import { released } from '@millrace/core'
import { defineCommand } from '../command.ts'
import { makeFromTemplate } from '../template.ts'
import { version } from '../version.ts'

export default defineCommand({
  name: 'init',
  summary:
    'Create a project that runs out of the box: a small CSV file, its schema, a pipeline to JSON lines and the embedded store, and its tests.',
  args: [['[FOLDER]', 'The folder; default: the current one.']],
  flags: { json: { type: 'boolean', description: 'Print JSON.' } },
  examples: [['pipe init shop', 'A project in ./shop.']],
  async run({ flags, args: [at] }, io) {
    const folder = resolve(io.cwd, at ?? '.')
    const name =
      basename(folder)
        .toLowerCase()
        .replaceAll(/[^a-z0-9-]+/g, '-') || 'project'
    const files = makeFromTemplate('project', folder, { NAME: name, VERSION: version })
    if (!released) withoutCommand(join(folder, 'package.json'))
    if (flags.json) {
      io.out(`${JSON.stringify({ folder, files })}\n`)
      return 0
    }
    const enter = relative(io.cwd, folder)
    const next = [
      ...(enter ? [`cd ${enter}`] : []),
      'pipe check',
      'pipe test',
      'pipe run orders',
      'pipe query store orders --where \'customer == "Ada"\'',
    ]
    io.out(
      `Created ${files.length} files in ${enter || 'this folder'}:\n${files.map((file) => `  ${file}`).join('\n')}\n\nNext:\n${next.map((line) => `  ${line}`).join('\n')}\n`,
    )
    return 0
  },
})

/**
 * Removes the command from the dependencies: while it is not on npm, `npm install` in the project would look for it
 * there.
 */
function withoutCommand(path: string): void {
  const { dependencies: _none, ...rest } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
  writeFileSync(path, `${JSON.stringify(rest, undefined, 2)}\n`)
}
