import { defineCommand } from '../command.ts'
import { diagnose, type Diagnosis } from '../doctor.ts'
import { durationOf } from '../duration.ts'
import { specsOf } from '../find-spec.ts'
import { hide, hiddenJson } from '@millrace/core'
import { openPlans } from '../spec.ts'
import { specFlags } from '../spec-flags.ts'

export default defineCommand({
  name: 'doctor',
  summary: 'Connect to every system that the specs name, and report what is found or what is wrong. Writes nothing.',
  details: 'Exit code 0: every connection works; 2: a spec is wrong; 3: a connection fails.',
  args: [['[SPEC...]', 'Files or pipeline names; default: all pipelines of the project.']],
  flags: {
    ...specFlags,
    timeout: { type: 'text', value: 'DURATION', description: 'How long each connection may take; default 10s.' },
  },
  examples: [
    ['pipe doctor', 'Every connection of this project, under the profile local.'],
    ['pipe doctor orders --profile kafka-mongo', 'The connections of one pipeline under another profile.'],
  ],
  async run({ flags, args }, io) {
    const timeoutMs = durationOf('timeout', flags.timeout ?? '10s')
    const opened = await openPlans(specsOf(args, io), flags, io)
    if (!opened) return 2
    const diagnoses = await diagnose(opened, { timeoutMs, signal: io.stopSignal() })
    const profile = opened[0]!.plan.profile
    const isWell = diagnoses.every(({ state }) => state !== 'failed')
    if (flags.json) io.out(`${hiddenJson({ profile, ok: isWell, connections: diagnoses }, 2)}\n`)
    else io.out(hide(doctorText(profile, diagnoses)))
    return isWell ? 0 : 3
  },
})

const words = { ok: 'ok', failed: 'FAILED', untried: 'not tried' } as const

function doctorText(profile: string, diagnoses: readonly Diagnosis[]): string {
  const lines = [`profile ${profile}`]
  for (const { connection, type, config, place, uses, state, found, error } of diagnoses) {
    lines.push(
      '',
      `${words[state].padEnd(9)}  ${connection === undefined ? type : `${connection} (${type})`}  ${place}`,
    )
    if (config) lines.push(`           ${config}`)
    lines.push(`           used by ${uses.map((use) => `${use.pipeline} as ${use.kind} ${use.id}`).join(', ')}`)
    if (found !== undefined) lines.push(`           ${found}`)
    if (state === 'untried') lines.push('           its connector connects to nothing before a run')
    if (error) lines.push(`           ${error.code}: ${error.message}`)
    if (error?.hint !== undefined) lines.push(`           ${error.hint}`)
  }
  const failed = diagnoses.filter(({ state }) => state === 'failed')
  lines.push(
    '',
    failed.length === 0 ? 'Every connection works.' : `${failed.length} of ${diagnoses.length} connections fail.`,
  )
  return `${lines.join('\n')}\n`
}
