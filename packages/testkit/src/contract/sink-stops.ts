/** The abort ends every wait of a sink within a second, even if the system accepts everything and never answers. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Sink } from '@millrace/core'
import type { Check, Scope } from './check.ts'
import { makeSink, recordsFor } from './script.ts'
import { check, flush, open, type Ready, type SinkSubject, writes } from './sink-ready.ts'

interface EndedRun {
  /** It was still running when it was aborted. */
  readonly waited: boolean
  /** What it threw. */
  readonly failure: Error | undefined
}

/** Fails if the work, whatever its outcome, continues for more than a second after the abort. */
async function endsOnAbort(
  what: string,
  work: (signal: AbortSignal) => unknown,
  abort = new AbortController(),
): Promise<EndedRun> {
  let failure: Error | undefined
  const done = (async () => work(abort.signal))().then(
    () => 'done' as const,
    (error: Error) => {
      failure = error
      return 'done' as const
    },
  )
  const waited = (await Promise.race([done, sleep(200, 'waiting' as const)])) === 'waiting'
  abort.abort()
  const end = await Promise.race([done, sleep(1000, 'late' as const, { ref: false })])
  assert.notEqual(end, 'late', `${what} continues for more than a second after the abort`)
  return { waited, failure }
}

/** However a write ends, it ends as its contract says. */
async function writeEnds(work: (signal: AbortSignal) => unknown, abort?: AbortController): Promise<EndedRun> {
  const ended = await endsOnAbort('a write', work, abort)
  const { failure } = ended
  const allowed = failure === undefined || ['SystemError', 'PartialWriteError'].includes(failure.name)
  assert.ok(allowed, `an aborted write threw ${failure?.name} (${failure?.message}), not a SystemError`)
  return ended
}

const flushContext = (signal: AbortSignal, roll: boolean) => ({ signal, epoch: 1, roll, end: false })

function hangCheck(
  name: string,
  run: (ready: Ready, hang: () => Promise<void>, scope: Scope) => Promise<void>,
): Check<SinkSubject> {
  return check(name, async (ready, scope) => {
    const { hang } = ready.setup
    if (typeof hang !== 'function') {
      assert.ok(hang?.none, 'the setup must make the system hang, or say why it cannot')
      return scope.say(`no hang: ${hang.none}`)
    }
    await run(ready, async () => scope.defer(await hang()), scope)
  })
}

const closes = (sink: Sink) => endsOnAbort('close', () => sink.close?.(), aborted())
const aborted = () => {
  const abort = new AbortController()
  abort.abort()
  return abort
}

export const stopChecks: readonly Check<SinkSubject>[] = [
  check('ends within a second if it was aborted before', async ({ start, all }, { env }) => {
    const { sink } = await start([open(), ...writes(all, 1, 5)])
    const work = (signal: AbortSignal) => sink.write(recordsFor(all.slice(0, 2), env), { signal, epoch: 1 })
    await writeEnds(work, aborted())
    await endsOnAbort('a flush', (signal) => sink.flush?.(flushContext(signal, true)), aborted())
  }),

  hangCheck('aborts opening within a second while the system hangs', async (ready, hang, { env, defer }) => {
    const sink = makeSink(ready.definition, ready.setup, env)
    defer(() => sink.close?.())
    await hang()
    const context = { incarnation: 1, start: 'test', instance: { i: 0, n: 1 }, warn: () => {} }
    await endsOnAbort('open', (signal) => sink.open?.({ ...context, signal }))
    await closes(sink)
  }),

  hangCheck('aborts a write within a second while the system hangs', async ({ start, all }, hang, { env }) => {
    const { sink } = await start([open(), ...writes(all, 1, 5)])
    await hang()
    // A sink may buffer what it cannot send, but not without limit.
    const { waited } = await writeEnds(async (signal) => {
      for (let n = 0; n < 100 && !signal.aborted; n++) await sink.write(recordsFor(all, env), { signal, epoch: 1 })
    })
    assert.ok(waited, 'a hundred writes were accepted at once: `hang` does not make the system hang')
    await closes(sink)
  }),

  hangCheck('aborts a flush within a second while the system hangs', async ({ start, all }, hang, { env }) => {
    const { sink } = await start([open(), ...writes(all, 1, 5)])
    await hang()
    await endsOnAbort('a flush', (signal) => sink.flush?.(flushContext(signal, true)))
    // Again with something to wait for, if writes are buffered.
    await endsOnAbort('a flush', async (signal) => {
      await sink.write(recordsFor(all, env), { signal, epoch: 1 })
      await sink.flush?.(flushContext(signal, true))
    })
    await closes(sink)
  }),

  hangCheck('aborts publishing within a second while the system hangs', async ({ start, all }, hang) => {
    const { sink, flushed } = await start([open(), ...writes(all, 1, 5), flush(1, true)])
    await hang()
    for (const stage of flushed[0]!.stages ?? [])
      await endsOnAbort('publishing', (signal) => sink.publish!(stage, { signal }))
    await closes(sink)
  }),
]
