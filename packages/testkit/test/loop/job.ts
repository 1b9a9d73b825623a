/**
 * A whole run of the engine on connectors of test/broken, small enough to be killed at every point in a test: a spool
 * whose records are gone once they are committed (a commit action), a step with state, a sink by key, one by
 * publish-once, one that holds the checkpoint, and a dead letter. `node job.ts FOLDER plain|held`.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type BadRecord, batch, run, type Sink, type Source } from '@millrace/core'
import { countBy, testPipeline } from '@millrace/core/testing'
import { boxes } from '../broken/boxes.ts'

export const all = 240
/** Every 40th record cannot be decoded. */
export const isBad = (n: number): boolean => n % 40 === 13
export const rowOf = (n: number) => ({ n, name: `name ${(n * n) % 7}` })

/**
 * Records 0..239; those that were committed can never be read again. Each start cuts them into batches of another size.
 */
function spool(folder: string): Source {
  const trimmed = join(folder, 'trimmed')
  const trimmedTo = () => (existsSync(trimmed) ? Number(readFileSync(trimmed, 'utf8')) : 0)
  return {
    async *read({ resume, signal }) {
      yield { splits: [{ id: 'spool' }], complete: true }
      appendFileSync(join(folder, 'starts'), '.')
      const size = 4 + (statSync(join(folder, 'starts')).size % 4)
      const began = Math.max(trimmedTo(), (resume('spool') as number | undefined) ?? 0)
      for (let from = began, to = 0; from < all && !signal.aborted; from = to) {
        to = Math.min(all, from + size)
        const numbers = Array.from({ length: to - from }, (_, i) => from + i)
        const bad = numbers
          .filter(isBad)
          .map((n): BadRecord => ({ position: n, code: 'bad_line', message: 'bad', bytes: Buffer.from(`record ${n}`) }))
        // Not all at the same time, so that there are several epochs.
        await sleep(1)
        const good = numbers.filter((n) => !isBad(n))
        yield batch({
          split: 'spool',
          rows: good.map(rowOf),
          position: to,
          positionAt: (i) => good[i]!,
          bad,
          bytes: 50 * numbers.length,
          end: to === all,
        })
      }
    },
    async commit(done) {
      const position = Number(done.find(({ split }) => split === 'spool')?.position ?? 0)
      // A commit that is repeated after a restart brings nothing back.
      if (position <= trimmedTo()) return
      writeFileSync(`${trimmed}.new`, String(position))
      renameSync(`${trimmed}.new`, trimmed)
    },
  }
}

/**
 * A box that is full after `most` records, so that it rolls during the run, and slow, so that readers and other sinks
 * are ahead of it.
 */
function rolled(sink: Sink, most: number): Sink {
  let n = 0
  return {
    ...sink,
    async write(records, ctx) {
      n += records.length
      // Longer than a flush: a save that does not wait for this write visibly loses it.
      await sleep(10)
      return sink.write(records, ctx)
    },
    full: () => n >= most,
    async flush(ctx) {
      if (ctx.roll) n = 0
      const flushed = await sink.flush!(ctx)
      await sleep(4)
      return flushed
    },
  }
}

async function main(folder: string, kind: string): Promise<void> {
  mkdirSync(folder, { recursive: true })
  const env = {
    root: folder,
    home: join(folder, 'state'),
    profile: 'local',
    pipeline: 'job',
    id: 'box',
    resolve: (path: string) => join(folder, path),
  }
  const box = (name: string, kind: 'keyed' | 'staged' | 'held') =>
    boxes.create({ folder: name, kind, bug: '', on_null: undefined }, { ...env, schema: { fields: {} } })
  const { plan, registry } = testPipeline({
    name: 'job',
    onError: 'dead_letter',
    sources: { spool: () => spool(folder) },
    steps: { counts: { create: () => countBy('name') } },
    sinks: {
      items: { from: ['spool'], create: () => box('items', 'keyed') },
      files: { from: ['spool'], create: () => rolled(box('files', 'staged'), 60) },
      ...(kind === 'held'
        ? {
            held: {
              from: ['spool'],
              create: () => rolled(box('held', 'held'), 50),
              capabilities: { checkpointsOnRoll: true },
            },
          }
        : {}),
      counts_by_name: { from: ['counts'], create: () => box('counts', 'keyed') },
    },
    deadLetter: () => box('dead', 'keyed'),
  })
  // A commit action, so that a failed commit would stop the run.
  const source = { ...plan.sources[0]!, capabilities: { ...plan.sources[0]!.capabilities, commit: 'action' as const } }
  const summary = await run({ ...plan, sources: [source] }, registry, {
    ...env,
    secrets: () => undefined,
    bounds: { minRecords: 20, minMs: 5, tickMs: 5, aheadRows: 30 },
  })
  console.log(JSON.stringify({ imbalances: summary.imbalances }))
}

if (import.meta.main) await main(process.argv[2]!, process.argv[3]!)
