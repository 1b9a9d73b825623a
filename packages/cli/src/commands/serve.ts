import { pipelineFiles } from '@millrace/core'
import { defineCommand } from '../command.ts'
import { specsOf } from '../find-spec.ts'
import { addressOf } from '../monitor/server.ts'
import { findRoot, stateHome } from '../project.ts'
import { specFlags } from '../spec-flags.ts'

/** Where OpenTelemetry's own exporter for Prometheus listens, too. */
const defaultPort = '9464'

export default defineCommand({
  name: 'serve',
  summary: 'Serve a project: keep its endless pipelines up, and run the others on their `schedule`.',
  details:
    'Each pipeline runs in a process of its own. Specs that change are read again, and so they are on SIGHUP; an edit with errors does not take effect. SIGTERM drains all within 20 s.\nThe log is JSON lines, or text on a terminal. `pipe runs list` shows what has run, `pipe trigger PIPELINE` starts a run now.',
  args: [['[SPEC...]', 'Files or pipeline names; default: all pipelines of the project.']],
  flags: {
    ...specFlags,
    port: {
      type: 'text',
      value: '[HOST:]PORT',
      description: 'Where /metrics, /health/live and /health/ready are served; default 127.0.0.1:9464; `off`: nowhere.',
    },
    console: {
      type: 'text',
      value: '[HOST:]PORT',
      description:
        'Where the console is served, pages for a browser; its address with the token goes to standard error. Without it: nowhere.',
    },
    'read-only': { type: 'boolean', description: 'The console changes nothing.' },
    json: { type: 'boolean', description: 'The log as JSON lines, as it is when it goes to no terminal.' },
  },
  examples: [
    ['pipe serve', 'All pipelines of the project.'],
    ['pipe serve orders report --profile production', 'Two of them, with the connections of a profile.'],
    ['pipe serve --console 9465', 'With the console, on 127.0.0.1.'],
    ['pipe serve --port 0.0.0.0:9464', 'Metrics and health for other machines.'],
  ],
  async run({ flags, args }, io) {
    const monitor = flags.port === 'off' ? undefined : addressOf('port', flags.port ?? defaultPort)
    const console = flags.console && {
      address: addressOf('console', flags.console),
      isReadOnly: flags['read-only'] ?? false,
    }
    const root = findRoot(io.cwd)
    const given = specsOf(args, io)
    const files = () => (args.length > 0 ? given : pipelineFiles(root))
    const stateDir = await stateHome(root, flags.profile ?? 'local', flags, io.cwd)
    const { serve } = await import('../serve/serve.ts')
    const json = flags.json || !io.terminal
    return serve(
      { root, files, flags: { ...flags, json: false }, stateDir, json, monitor, console: console || undefined },
      io,
    )
  },
})
