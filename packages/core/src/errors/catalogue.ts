/**
 * The catalogue of errors: every stable code, what it means and what to do. The page under docs/generated comes from
 * it, and so do the hints of findings that bring none of their own. A code never changes its meaning; codes no longer
 * in use stay documented.
 */
import { answerEntries } from './answers.ts'
import { badRecordEntries } from './bad-records.ts'
import type { CatalogueEntry } from './entry.ts'
import { findingEntries } from './findings.ts'
import { httpRecordEntries, httpRunEntries } from './http.ts'
import { runEntries } from './runs.ts'
import { stepFindingEntries } from './step-findings.ts'

export type { CatalogueEntry } from './entry.ts'

/** Codes of findings that core itself reports. Connectors and steps may bring codes of their own. */
export type FindingCode = keyof typeof findingEntries

/**
 * In which part of the catalogue a code stands: it was found by the check, or while running; it says why a record
 * cannot pass; or a gateway answers it.
 */
export type CataloguePart = 'finding' | 'bad record' | 'run' | 'answer'

/** Codes by part. A code that can be both (a date format that is wrong, a number out of range) stands in both. */
export const catalogueParts: Readonly<Record<CataloguePart, Readonly<Record<string, CatalogueEntry>>>> = {
  finding: { ...findingEntries, ...stepFindingEntries },
  'bad record': { ...badRecordEntries, ...httpRecordEntries },
  run: { ...runEntries, ...httpRunEntries },
  answer: answerEntries,
}

/** Every code with its entry, that of a finding first. */
export const catalogue: Readonly<Record<string, CatalogueEntry>> = {
  ...answerEntries,
  ...runEntries,
  ...httpRunEntries,
  ...badRecordEntries,
  ...httpRecordEntries,
  ...stepFindingEntries,
  ...findingEntries,
}
