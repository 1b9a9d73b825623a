/**
 * Copies of a pipeline in threads of their own (`parallelism`). A thread checks the spec itself, so only plain data is
 * passed in both directions.
 */
import { Worker } from 'node:worker_threads'
import {
  type Counters,
  MillraceError,
  type Plan,
  type Progress,
  type RunEvent,
  type Summary,
  type WorkerOptions,
} from '@millrace/core'
import type { Given } from './command.ts'
import type { Io } from './io.ts'
import type { Planning } from './spec.ts'
import type { specFlags } from './spec-flags.ts'

/** The data a thread starts with. */
export interface WorkerTask {
  readonly spec: string
  readonly specHash: string
  readonly flags: Given<typeof specFlags>['flags']
  readonly cwd: string
  readonly env: Io['env']
  readonly instance: WorkerOptions['instance']
  readonly shared: WorkerOptions['shared']
  readonly until: boolean
  readonly texts?: Planning['texts']
}

/** Messages to the thread. */
export type ToWorker = 'stop' | 'until'

/** Messages from the thread. */
export type FromWorker =
  | { readonly type: 'event'; readonly event: RunEvent }
  | { readonly type: 'counters'; readonly counters: readonly Counters[]; readonly progress: Progress }
  | { readonly type: 'summary'; readonly summary: Summary }
  | {
      readonly type: 'error'
      readonly code: string
      readonly message: string
      readonly hint?: string | undefined
      readonly place?: string | undefined
      readonly exitCode: 1 | 2 | 3
    }

/** Starts a copy of a plan, made from the spec file, in a thread. */
export function startInThread(
  spec: string,
  flags: WorkerTask['flags'],
  io: Pick<Io, 'cwd' | 'env'>,
  plan: Plan,
  { instance, signal, observe, until, shared }: WorkerOptions,
  texts?: Planning['texts'],
): Promise<Summary> {
  return new Promise((resolve, reject) => {
    const isSource = import.meta.url.endsWith('.ts')
    const task: WorkerTask = {
      spec,
      specHash: plan.specHash,
      flags: { ...flags },
      cwd: io.cwd,
      env: { ...io.env },
      instance,
      until: until !== undefined,
      shared,
      texts,
    }
    const worker = new Worker(new URL(isSource ? './worker.ts' : './worker.js', import.meta.url), {
      workerData: task,
      execArgv: isSource ? ['--conditions=@millrace/source'] : undefined,
    })
    const tell = (word: ToWorker) => worker.postMessage(word)
    if (signal.aborted) tell('stop')
    else signal.addEventListener('abort', () => tell('stop'), { once: true })
    void until?.then(() => tell('until'))
    let live: { counters: readonly Counters[]; progress: Progress } | undefined
    worker.on('message', (message: FromWorker) => {
      switch (message.type) {
        case 'event':
          if (message.event.type === 'started') live = message.event
          return observe(message.event)
        case 'counters':
          for (const [i, counters] of message.counters.entries()) Object.assign(live!.counters[i]!, counters)
          return void Object.assign(live!.progress, message.progress)
        case 'summary':
          return resolve(message.summary)
        case 'error':
          return reject(new MillraceError(message.code, message.message, message))
      }
    })
    worker.on('error', reject)
    worker.on('exit', (code) =>
      reject(
        new MillraceError('worker_ended', `worker ${instance.i} of ${instance.n} ended with ${code}, without a result`),
      ),
    )
  })
}
