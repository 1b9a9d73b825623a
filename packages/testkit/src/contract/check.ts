/**
 * A contract suite is a list of checks: each has a sentence, and a function that throws if the connector breaks it.
 * They are plain functions so that testkit can show that every one fails for a connector that is broken in just this
 * way; `register` turns them into vitest tests.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Env } from '@millrace/core'
import { describe, it } from 'vitest'
import { envIn } from './load.ts'

/** One promise of the contract. */
export interface Check<S> {
  /** The promise, as a sentence about the connector: `reads all records once`. */
  readonly name: string
  /** Throws if it is broken. Skipped if `applies` says so. */
  run(subject: S, scope: Scope): Promise<void>
  /** False: the connector does not have the feature. */
  applies?(subject: S): boolean
}

/** The surroundings of a check: a folder of its own, removed with everything that was opened when it ends. */
export interface Scope {
  readonly root: string
  readonly env: Env
  /** Called, last first, when the check has ended, in any way. */
  defer(cleanup: () => unknown): void
  /** Prints what a setup leaves out, and why. */
  say(message: string): void
}

/** Why a setup cannot provide something: the suite prints it, since nothing may be left out silently. */
export interface None {
  readonly none: string
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

/** One vitest test per check. */
export function register<S>(title: string, checks: readonly Check<S>[], subject: S, id: string): void {
  // No check is about time: a busy machine must not fail one.
  describe(title, { timeout: 60_000 }, () => {
    for (const check of checks) {
      const applies = check.applies?.(subject) ?? true
      it.skipIf(!applies)(check.name, () => runCheck(check, subject, id))
    }
  })
}
