/** Starts the process of a pipeline, and says how it ended. */
import { fork } from 'node:child_process'
import type { OutOfReach } from '@millrace/core'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { FromServed, ServedTask, ToServed } from './protocol.ts'
import type { Ending } from './scheduled.ts'

/** What is heard from a process while it runs. */
export interface Heard {
  /** It has begun; `outOfReach` asks it. Rejects if it does not answer. */
  began(outOfReach: () => Promise<readonly OutOfReach[]>): void
  message(message: Extract<FromServed, { type: 'event' | 'live' }>): void
  /** A line that it printed. */
  printed(line: string): void
}

/** A process that does not answer by then hangs. */
const mostAnswerMs = 4500
/** What has not drained by then is killed. */
const mostDrainMs = 19_000

/** Errors of a process that was told to stop, and of one whose state another still holds: it goes on later. */
const interruptions = new Set(['aborted', 'drain_timeout', 'abandoned'])

/** Runs a task in a process of its own. Aborted: the process drains. */
export function runProcess(
  task: ServedTask,
  where: { readonly cwd: string; readonly env: Readonly<Record<string, string | undefined>> },
  heard: Heard,
  signal: AbortSignal,
): Promise<Ending> {
  return new Promise((resolve) => {
    const isSource = import.meta.url.endsWith('.ts')
    const child = fork(fileURLToPath(new URL(isSource ? './served.ts' : './served.js', import.meta.url)), [], {
      cwd: where.cwd,
      env: where.env,
      execArgv: isSource ? ['--conditions=@millrace/source', '--no-warnings'] : ['--no-warnings'],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    const send = (message: ToServed) => void (child.connected && child.send(message, () => {}))
    const questions = new Map<number, (found: readonly OutOfReach[]) => void>()
    const outOfReach = () =>
      new Promise<readonly OutOfReach[]>((answer, fail) => {
        const question = (asked += 1)
        const timer = setTimeout(() => {
          questions.delete(question)
          fail(new Error(`its process does not answer within ${mostAnswerMs / 1000} s`))
        }, mostAnswerMs)
        questions.set(question, (found) => {
          clearTimeout(timer)
          questions.delete(question)
          answer(found)
        })
        send({ type: 'reach', question })
      })
    let asked = 0
    let result: Ending | undefined
    let killTimer: NodeJS.Timeout | undefined
    const stop = () => {
      send({ type: 'stop' })
      killTimer = setTimeout(() => child.kill('SIGKILL'), mostDrainMs)
    }
    send({ type: 'start', task })
    heard.began(outOfReach)
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
    for (const stream of [child.stdout, child.stderr] as Readable[])
      createInterface({ input: stream }).on('line', (line) => heard.printed(line))
    child.on('message', (message: FromServed) => {
      switch (message.type) {
        case 'event':
        case 'live':
          return heard.message(message)
        case 'reached':
          return questions.get(message.question)?.(message.outOfReach)
        case 'ended':
          result = endingOf(message)
          return
        case 'error': {
          const { code, message: text, exitCode } = message.error
          const why = { code, message: text }
          if (signal.aborted && interruptions.has(code)) result = { type: 'stopped' }
          else if (code === 'locked') result = { type: 'killed', why }
          else result = { type: 'failed', why, isFinal: exitCode === 2 }
        }
      }
    })
    const end = (message: string) => {
      clearTimeout(killTimer)
      signal.removeEventListener('abort', stop)
      for (const answer of questions.values()) answer([])
      resolve(result ?? { type: 'killed', why: { code: 'killed', message } })
    }
    child.on('error', (error) => end(error.message))
    child.on('close', (code, killedBy) => end(`its process ended with ${killedBy ?? `exit code ${code}`}`))
  })
}

function endingOf({ isDone, counts, imbalances }: Extract<FromServed, { type: 'ended' }>): Ending {
  if (!isDone) return { type: 'stopped', counts }
  if (imbalances.length === 0) return { type: 'succeeded', counts }
  return { type: 'failed', why: { code: 'unbalanced', message: imbalances.join('; ') }, counts, isFinal: true }
}
