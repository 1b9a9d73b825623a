/** The contract suite of sources: one call per connector. */
import { type Check, register } from './check.ts'
import { letters } from './source/letters.ts'
import { reading } from './source/reading.ts'
import type { SourceSubject } from './source/ready.ts'
import { resuming } from './source/resuming.ts'
import { splits } from './source/splits.ts'
import { wireReading } from './wire.ts'

export type { SavedPosition, SourceSetup, SourceSubject } from './source/ready.ts'

/** The whole contract of sources. */
export const sourceChecks: readonly Check<SourceSubject>[] = [
  ...reading,
  ...splits,
  ...resuming,
  ...letters,
  ...wireReading,
]

/** Vitest tests of the whole contract for one source. */
export const sourceContract = (subject: SourceSubject): void =>
  register(`source ${subject.type} keeps the contract`, sourceChecks, subject, 'source')
