import { hide, hiddenJson, watermarksOf } from '@millrace/core'
import { defineCommand, usageError } from '../command.ts'
import { oneSpec } from '../find-spec.ts'
import { watermarksText } from '../print/watermark.ts'
import { openPlan } from '../spec.ts'
import { specFlags } from '../spec-flags.ts'

export default defineCommand({
  name: 'watermark',
  summary:
    'Show why windows are still open: the watermark of each step that uses event time, which lane holds it, since when and why, and what waits for it. The pipeline may be running; otherwise its last save is shown.',
  details:
    'The reason is one of these codes:\n  no_data        the lane has had no record yet\n  not_idle_yet   it is quiet; idle_after has not passed\n  never_idle     it is quiet; its source has no idle_after\n  reading        it is being read, and its records are older\n  held_back      max_skew holds it\n  backpressure   it is not read, because a sink is slow\n  retrying       its source does not answer\n  follows_clock  its event time is the time of arrival\n  until_end      max_out_of_order is unbounded: windows fire at the end\n  all_idle       no lane holds it: all are idle or have ended\n  starting       the pipeline has not begun to read\n  not_running    no process runs the pipeline',
  args: [['[SPEC]', 'File or pipeline name; default: the only pipeline of the project.']],
  flags: specFlags,
  examples: [
    ['pipe watermark visits', 'In words, with a table of all lanes.'],
    ['pipe watermark visits --json', 'The same for programs; times in ms UTC.'],
  ],
  async run({ flags, args: [spec] }, io) {
    const opened = await openPlan(oneSpec(spec, io), flags, io)
    if (!opened) return 2
    const { plan, registry, workspace } = opened
    if (!plan.steps.some(({ times }) => times))
      throw usageError(`No step of \`${plan.name}\` uses event time.`, 'Windows need it: `event_time` of a source.')
    const found = watermarksOf(plan, registry, workspace)
    if (found.length === 0)
      throw usageError(`\`${plan.name}\` has not run yet, so there is no watermark.`, 'Run it first.')
    if (flags.json) io.out(`${hiddenJson({ pipeline: plan.name, instances: found }, 2)}\n`)
    else io.out(hide(watermarksText(plan, found, Date.now())))
    return 0
  },
})
