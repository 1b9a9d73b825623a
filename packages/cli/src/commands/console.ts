import { pipelineFiles } from '@millrace/core'
import { defineCommand } from '../command.ts'
import { specsOf } from '../find-spec.ts'
import { addressOf } from '../monitor/server.ts'
import { findRoot, stateHome } from '../project.ts'
import { specFlags } from '../spec-flags.ts'

/** Beside the default port of `pipe serve`. */
const defaultPort = '9465'

export default defineCommand({
  name: 'console',
  summary: 'Look at a project in a browser: its pipelines, what they did and do, their bad records, their windows.',
  details:
    'It runs nothing: pipelines may be running elsewhere on this machine, and their numbers are those of their last save. `pipe serve --console 9465` shows them as they change.\nThe address has a token, so that nobody else on this machine gets in.',
  args: [['[SPEC...]', 'Files or pipeline names; default: all pipelines of the project.']],
  flags: {
    ...specFlags,
    port: {
      type: 'text',
      value: '[HOST:]PORT',
      description: 'Where to listen; default 127.0.0.1:9465; port 0: any that is free.',
    },
    'read-only': { type: 'boolean', description: 'It changes nothing.' },
  },
  examples: [
    ['pipe console', 'All pipelines of the project.'],
    ['pipe console --read-only --profile production', 'Those of a profile, only to look.'],
  ],
  async run({ flags, args }, io) {
    const address = addressOf('port', flags.port ?? defaultPort)
    const root = findRoot(io.cwd)
    const given = specsOf(args, io)
    const files = () => (args.length > 0 ? given : pipelineFiles(root))
    const stateDir = await stateHome(root, flags.profile ?? 'local', flags, io.cwd)
    const { startBeside } = await import('../console/beside.ts')
    const shown = await startBeside(
      { root, files, flags, stateDir, address, isReadOnly: flags['read-only'] ?? false },
      io,
    )
    io.out(flags.json ? `${JSON.stringify({ url: shown.url })}\n` : `Open this in a browser: ${shown.url}\n`)
    const signal = io.stopSignal(flags.json)
    await new Promise<void>((resolve) =>
      signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve(), { once: true }),
    )
    await shown.close()
    return 0
  },
})
