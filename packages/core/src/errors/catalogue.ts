/**
 * The error catalogue: every stable code, what it means and what to do. The page under docs/generated comes from it,
 * and so do the hints of findings that have none of their own. A code never changes its meaning; codes no longer in use
 * stay documented.
 */
import { answerEntries } from './answers.ts'
import { badRecordEntries } from './bad-records.ts'
import type { CatalogueEntry } from './entry.ts'
import { findingEntries } from './findings.ts'
import { httpRecordEntries, httpRunEntries } from './http.ts'
import { runEntries } from './runs.ts'
import { stepFindingEntries } from './step-findings.ts'

export type { CatalogueEntry } from './entry.ts'

/** Codes of findings that core itself reports. Connectors and steps may have codes of their own. */
export type FindingCode = keyof typeof findingEntries

/**
 * The part of the catalogue that a code is in: a finding of the check, an error of a run, the reason why a record is
 * bad, or the answer of a gateway.
 */
export type CataloguePart = 'finding' | 'bad record' | 'run' | 'answer'

/** Codes by part. A code that can be both (an invalid date format, a number out of range) is in both. */
export const catalogueParts: Readonly<Record<CataloguePart, Readonly<Record<string, CatalogueEntry>>>> = {
  finding: { ...findingEntries, ...stepFindingEntries },
  'bad record': { ...badRecordEntries, ...httpRecordEntries },
  run: { ...runEntries, ...httpRunEntries },
  answer: answerEntries,
}

/** Every code with its entry; of a code in several parts, the finding comes first. */
export const catalogue: Readonly<Record<string, CatalogueEntry>> = {
  ...answerEntries,
  ...runEntries,
  ...httpRunEntries,
  ...badRecordEntries,
  ...httpRecordEntries,
  ...stepFindingEntries,
  ...findingEntries,
}
