import { pipelineFiles } from '@millrace/core'
import { defineCommand } from '../command.ts'
import { specsOf } from '../find-spec.ts'
import { findRoot, stateHome } from '../project.ts'
import { specFlags } from '../spec-flags.ts'

export default defineCommand({
  name: 'serve',
  summary: 'Serve a project: keep its endless pipelines up, and run the others on their `schedule`.',
  details:
    'Each pipeline runs in a process of its own. Specs that change are read again, and so they are on SIGHUP; an edit with errors does not take effect. SIGTERM drains all within 20 s.\nThe log is JSON lines, or text on a terminal. `pipe runs list` shows what has run, `pipe trigger PIPELINE` starts a run now.',
  args: [['[SPEC...]', 'Files or pipeline names; default: all pipelines of the project.']],
  flags: {
    ...specFlags,
    json: { type: 'boolean', description: 'The log as JSON lines, as it is when it goes to no terminal.' },
  },
  examples: [
    ['pipe serve', 'All pipelines of the project.'],
    ['pipe serve orders report --profile production', 'Two of them, with the connections of a profile.'],
  ],
  async run({ flags, args }, io) {
    const root = findRoot(io.cwd)
    const given = specsOf(args, io)
    const files = () => (args.length > 0 ? given : pipelineFiles(root))
    const stateDir = await stateHome(root, flags.profile ?? 'local', flags, io.cwd)
    const { serve } = await import('../serve/serve.ts')
    return serve({ root, files, flags: { ...flags, json: false }, stateDir, json: flags.json || !io.terminal }, io)
  },
})
