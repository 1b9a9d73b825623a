/**
 * A contract suite is a list of checks: a sentence each, and a function that throws when the connector breaks it. They
 * are plain functions so that testkit can show of every one that it fails for a connector that is broken in just this
 * way; `register` makes vitest tests of them.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Env } from '@millrace/core'
import { describe, it } from 'vitest'
import { envIn } from './load.ts'

/** One promise of the contract. */
export interface Check<S> {
  /** What is promised, as a sentence about the connector: `reads all records once`. */
  readonly name: string
  /** Throws when it is not kept. Absent from a suite's tests where `applies` says so. */
  run(subject: S, scope: Scope): Promise<void>
  /** False: the connector does not have what this is about. */
  applies?(subject: S): boolean
}

/** Where a check works: a folder of its own, removed with all that was opened when it ends. */
export interface Scope {
  readonly root: string
  readonly env: Env
  /** Called, last first, when the check has ended, however it ended. */
  defer(cleanup: () => unknown): void
  /** Prints what a setup leaves out, and why. */
  say(message: string): void
}

/** Runs one check in a scope of its own. */
export async function runCheck<S>(check: Check<S>, subject: S, id: string): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'millrace-contract-'))
  const cleanups: (() => unknown)[] = [() => rm(root, { recursive: true, force: true, maxRetries: 3 })]
  try {
    const say = (message: string) => console.info(message)
    await check.run(subject, { root, env: envIn(root, id), defer: (cleanup) => cleanups.push(cleanup), say })
  } finally {
    for (const cleanup of cleanups.reverse()) await cleanup()
  }
}

/** One vitest test a check. */
export function register<S>(title: string, checks: readonly Check<S>[], subject: S, id: string): void {
  describe(title, () => {
    for (const check of checks) {
      const applies = check.applies?.(subject) ?? true
      it.skipIf(!applies)(check.name, () => runCheck(check, subject, id))
    }
  })
}
