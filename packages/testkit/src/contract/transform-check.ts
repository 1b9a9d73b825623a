/** A check of a step: its definition is loaded, its setup made, and it is run once from beginning to end. */
import assert from 'node:assert/strict'
import type { Row, TransformDefinition } from '@millrace/core'
import { type Outcome, runTransform, type TransformMaking } from './apply.ts'
import type { Check, Scope } from './check.ts'
import { loadDefinition } from './load.ts'

/** One config with an input and, if worth stating, the expected output. */
export interface TransformSetup extends TransformMaking {
  readonly rows: readonly Row[]
  /** The main output, in order. */
  readonly expected?: readonly Row[]
  readonly expectedSides?: Readonly<Record<string, readonly Row[]>>
  /** Results without origin, at the end of the input, in any order. */
  readonly expectedResults?: readonly Row[]
  /** Codes of the rows that fail, in order. */
  readonly expectedFailures?: readonly string[]
}

/** A step under test. */
export interface TransformSubject {
  /** The module of the step: `new URL('../src/index.ts', import.meta.url)`. A child process imports it too. */
  readonly module: string | URL
  readonly type: string
  setup(scope: Scope): TransformSetup | Promise<TransformSetup>
}

export interface ReadyStep {
  readonly definition: TransformDefinition
  readonly setup: TransformSetup
  readonly whole: Outcome
}

/** `check` of one step. */
export const stepCheck = (
  name: string,
  run: (ready: ReadyStep, scope: Scope, subject: TransformSubject) => Promise<void>,
): Check<TransformSubject> => ({
  name,
  async run(subject, scope) {
    const definition = await loadDefinition(subject.module, 'transform', subject.type)
    const setup = await subject.setup(scope)
    assert.ok(setup.rows.length > 0, 'the setup must provide rows')
    await run(
      { definition, setup, whole: await runTransform(definition, setup, scope.env, [setup.rows]) },
      scope,
      subject,
    )
  },
})
