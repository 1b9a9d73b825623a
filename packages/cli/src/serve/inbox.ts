/** Requests to a running `serve`, as files in `.serve/inbox`: whoever asks writes one, and `serve` removes it. */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { serveFolder } from './ledger.ts'

/** A run that was asked for, or the end of one. The same id makes no second run. */
export interface Asked {
  readonly id: string
  readonly pipeline: string
  readonly askedMs: number
  /** The run that is to end. */
  readonly cancel?: number
}

/** The folder of the requests. */
export const inboxOf = (stateHome: string): string => join(serveFolder(stateHome), 'inbox')

/** Asks for a run of a pipeline, or for the end of the run `cancel`. */
export function ask(stateHome: string, pipeline: string, askedMs: number, cancel?: number): Asked {
  const asked = { id: randomUUID(), pipeline, askedMs, ...(cancel === undefined ? {} : { cancel }) }
  const path = join(inboxOf(stateHome), `${asked.id}.json`)
  mkdirSync(inboxOf(stateHome), { recursive: true, mode: 0o700 })
  writeFileSync(`${path}.new`, JSON.stringify(asked))
  renameSync(`${path}.new`, path)
  return asked
}

/** Gives each request to `take`, which writes it down, and removes it then. What is no request is removed too. */
export function takeRequests(stateHome: string, take: (asked: Asked) => void): void {
  for (const name of readdirSync(inboxOf(stateHome))) {
    if (!name.endsWith('.json')) continue
    const path = join(inboxOf(stateHome), name)
    const asked = askedIn(readFileSync(path, 'utf8'))
    if (asked) take(asked)
    rmSync(path)
  }
}

/** A request as it was written. Anybody who may write to the folder may have put something else there. */
function askedIn(text: string): Asked | undefined {
  let found: unknown
  try {
    found = JSON.parse(text)
  } catch {
    return undefined
  }
  const { id, pipeline, askedMs, cancel } = { ...(found as Record<string, unknown> | null) }
  if (typeof id !== 'string' || typeof pipeline !== 'string' || !Number.isSafeInteger(askedMs)) return undefined
  const isCancel = Number.isSafeInteger(cancel)
  if (cancel !== undefined && !isCancel) return undefined
  return { id, pipeline, askedMs: askedMs as number, ...(isCancel ? { cancel: cancel as number } : {}) }
}
