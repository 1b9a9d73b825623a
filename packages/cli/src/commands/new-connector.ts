import { join, relative } from 'node:path'
import { released } from '@millrace/core'
import { defineCommand, usageError } from '../command.ts'
import { makeFromTemplate } from '../template.ts'
import { engines, version } from '../version.ts'

export default defineCommand({
  name: 'new connector',
  summary: 'Create the package of a new source or sink that works and already passes the contract suite.',
  args: [
    [
      'NAME',
      'The type in specs: `acme-orders` is the package millrace-source-acme-orders, `@acme/orders` is @acme/source-orders.',
    ],
  ],
  flags: {
    source: { type: 'boolean', description: 'A source.' },
    sink: { type: 'boolean', description: 'A sink.' },
    json: { type: 'boolean', description: 'Print JSON.' },
  },
  examples: [
    ['pipe new connector acme-orders --source', 'A source in ./millrace-source-acme-orders.'],
    ['pipe new connector @acme/archive --sink', 'A sink in ./sink-archive, as @acme/sink-archive.'],
  ],
  async run({ flags, args: [name] }, io) {
    if (flags.source === flags.sink) throw usageError('Pass either --source or --sink.')
    const kind = flags.source ? 'source' : 'sink'
    const [, scope, word] = /^(?:(@[a-z0-9][a-z0-9-]*)\/)?([a-z][a-z0-9-]*)$/.exec(name!) ?? []
    if (word === undefined)
      throw usageError(
        `\`${name}\` is not a valid name for a connector: use lower-case letters, digits and dashes, optionally with an npm scope.`,
      )
    const packageName = scope ? `${scope}/${kind}-${word}` : `millrace-${kind}-${word}`
    const folder = join(io.cwd, scope ? `${kind}-${word}` : packageName)
    const files = makeFromTemplate(kind, folder, {
      TYPE: name!,
      WORD: word,
      PACKAGE: packageName,
      VERSION: version,
      ENGINES: engines.node,
    })
    if (flags.json) io.out(`${JSON.stringify({ folder, package: packageName, type: name, files })}\n`)
    else
      io.out(
        `Created ${packageName} in ${relative(io.cwd, folder)}/\n\n  cd ${relative(io.cwd, folder)}\n${install}  npm test\n\nCONTRIBUTING.md there explains the next steps.\n`,
      )
    return 0
  },
})

/** How the new package gets its build and test dependencies. */
const install = released
  ? '  npm install\n'
  : `  npm install --save-dev CLONE/packs/millrace-core.tgz CLONE/packs/dev/millrace-testkit.tgz
     (Millrace is not on npm yet: CLONE is your clone of it, in which \`npm run pack\` makes these files)
`
