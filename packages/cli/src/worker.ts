/** The code of a worker thread: one copy of a pipeline. See parallel.ts. */
import { parentPort, workerData } from 'node:worker_threads'
import { MillraceError, type RunEvent, runInstance } from '@millrace/core'
import type { FromWorker, ToWorker, WorkerTask } from './parallel.ts'
import { described } from './print/error.ts'
import { openPlan } from './spec.ts'

/** How often counters are sent. */
const tellEveryMs = 250

const task = workerData as WorkerTask
const tell = (message: FromWorker) => parentPort!.postMessage(message)
const stop = new AbortController()
const until = Promise.withResolvers<void>()
parentPort!.on('message', (word: ToWorker) => (word === 'stop' ? stop.abort() : until.resolve()))

let timer: NodeJS.Timeout | undefined
let tellCounters = () => {}
function observe(event: RunEvent): void {
  // The counters are complete before the end is known.
  if (event.type === 'ended' || event.type === 'failed') tellCounters()
  tell({ type: 'event', event })
  if (event.type !== 'started') return
  tellCounters = () => tell({ type: 'counters', counters: event.counters, progress: event.progress })
  timer = setInterval(tellCounters, tellEveryMs)
}

try {
  const quiet = () => {}
  const io = {
    cwd: task.cwd,
    env: task.env,
    out: quiet,
    err: quiet,
    terminal: false,
    columns: 100,
    stopSignal: () => stop.signal,
  }
  const opened = await openPlan(task.spec, task.flags, io, { texts: task.texts })
  if (opened?.plan.specHash !== task.specHash)
    throw new MillraceError('spec_changed', 'the spec was changed while the run started', {
      hint: 'run it again',
      exitCode: 2,
    })
  const summary = await runInstance(opened.plan, opened.registry, {
    ...opened.workspace,
    ...task.shared,
    signal: stop.signal,
    instance: task.instance,
    observe,
    ...(task.until ? { until: until.promise } : {}),
  })
  tell({ type: 'summary', summary })
} catch (error) {
  tell({ type: 'error', ...described(error) })
} finally {
  clearInterval(timer)
  parentPort!.close()
}
