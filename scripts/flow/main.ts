/**
 * `npm run flow -- NAME [--profile P] [--input FILE]... [--out FOLDER] [--json]`: runs a documented flow to its end,
 * from the client's file to the store, and balances it. Without --input it reads a generated sample; without --out it
 * runs in a fresh folder.
 */
import { parseArgs } from 'node:util'
import { count, span, table } from '../../packages/cli/src/print/table.ts'
import { flows } from './flows.ts'
import { type FlowRun, runFlow } from './run.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    profile: { type: 'string', default: 'local' },
    input: { type: 'string', multiple: true, default: [] },
    out: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
})
const flow = flows[positionals[0] ?? '']
if (!flow || positionals.length > 1) {
  process.stderr.write(
    `Usage: npm run flow -- ${Object.keys(flows).join('|')} [--profile NAME] [--input FILE] [--out FOLDER] [--json]\n`,
  )
  process.exit(2)
}
try {
  const { profile, input, out, json } = values
  const run = await runFlow(positionals[0]!, flow, { profile, inputs: input, out, show: !json })
  process.stdout.write(json ? `${JSON.stringify(run, undefined, 2)}\n` : textOf(run))
  process.exitCode = run.balance.wrong.length ? 1 : 0
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`)
  process.exitCode = 1
}

function textOf({ flow: name, profile, folder, durationMs, balance, pipelines }: FlowRun): string {
  const n = (value: number) => (value === 0 ? '' : count(value))
  const right = (title: string) => ({ title, right: true })
  const posts = table(
    [{ title: 'endpoint' }, right('posted'), right('repeated'), right('refused'), right('taken')],
    balance.posts.map((p) => [p.what, count(p.posted), n(p.repeated), n(p.refused), count(p.taken)]),
  )
  const streams = table(
    [{ title: 'stream' }, right('written'), right('of earlier runs'), right('read')],
    balance.streams.map((s) => [s.stream, count(s.written), n(s.earlier), count(s.read)]),
  )
  const written = [
    ...balance.collections.map((c) => [c.collection, count(c.written), count(c.documents)]),
    ...pipelines
      .filter(({ pipeline }) => flow!.reports.includes(`${pipeline}.yaml`))
      .flatMap(({ pipeline, counters }) =>
        Object.entries(counters.sinks).map(([id, sink]) => [`${pipeline}: ${id}`, count(sink.delivered), '']),
      ),
  ]
  const stored = table([{ title: 'collection' }, right('written'), right('documents')], written)
  const verdict = balance.wrong.length
    ? `DOES NOT ADD UP: ${balance.wrong.join('; ')}`
    : 'Everything adds up, and every edge of every pipeline balances.'
  return `${name} on the profile ${profile}: ${span(durationMs)}, in ${folder}\n\n${posts}\n${streams}\n${stored}\n${verdict}\n`
}
