/** Two different records must never share a key in a keyed sink; a spec in which they would is refused. */
import type { CheckedSink, Flow, Lineages } from './checked.ts'
import type { Checking } from './context.ts'
import { sameKeyIn } from './lineage.ts'

export function checkIdentity(sinks: readonly CheckedSink[], flow: Flow, lineages: Lineages, ctx: Checking): void {
  for (const { id, spec, capabilities } of sinks) {
    const key = capabilities?.key
    if (!Array.isArray(key) || capabilities?.combines) continue
    const same = sameKeyIn(flow.sinks.get(id)?.from ?? [], key as readonly string[], lineages)
    if (!same) continue
    const names = `\`${(key as readonly string[]).join('`, `')}\``
    const what = same.multipliedBy
      ? `\`${same.multipliedBy}\` makes several records from one, all with the same ${names}`
      : `\`${same.inputs.join('` and `')}\` both deliver the records of \`${same.root}\` with the same ${names}`
    ctx.report('same_key', spec.place, spec.path, `${what}: in \`${id}\` they would replace each other`, {
      hint: same.multipliedBy
        ? 'add a field to `key` that differs between them, or remove `key`: then the record id is the key'
        : 'add a field to `key` that distinguishes the branches, remove `key` (the record id includes the branch), or use a sink for each',
    })
  }
}
