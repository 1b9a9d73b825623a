/**
 * `npm run bench:windows`: what the window step costs by itself, over records in memory, beside a loop by hand; and
 * what its state costs. Ours and theirs take turns within each round; figures are medians, and ratios count. Each part
 * runs in a process of its own, so that no part is slowed down by what another one left on the heap.
 */
import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import { parts } from './parts.ts'

const { values: flags } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    quick: { type: 'boolean', default: false },
    /** Used by this program itself: runs one part here. */
    here: { type: 'string' },
  },
})
if (flags.here === undefined) {
  for (const name of Object.keys(parts)) {
    if (flags.only && !flags.only.includes(name)) continue
    const more = flags.quick ? ['--quick'] : []
    const args = [...process.execArgv, '--expose-gc', import.meta.filename, '--here', name, ...more]
    const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' })
    if (status !== 0) process.exit(1)
  }
  if (flags.quick) console.log('Quick: this shows that everything runs; its figures mean nothing.')
} else
  for (const { what, passed } of await parts[flags.here]!(flags.quick ? 0.01 : 1))
    console.log(`  ${flags.quick ? 'ran   ' : passed ? 'passed' : 'MISSED'}  ${what}`)
