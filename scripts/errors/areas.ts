/** The catalogue by area: what the error pages are built from. Every code of a part is in one of its areas. */
import { answerEntries } from '../../packages/core/src/errors/answers.ts'
import { callErrors, decodingErrors, valueErrors, writingErrors } from '../../packages/core/src/errors/bad-records.ts'
import type { CataloguePart } from '../../packages/core/src/errors/catalogue.ts'
import type { CatalogueEntry } from '../../packages/core/src/errors/entry.ts'
import {
  fileFindings,
  flowFindings,
  nameFindings,
  promiseFindings,
  typeFindings,
  valueFindings,
} from '../../packages/core/src/errors/findings.ts'
import { pageFindings } from '../../packages/core/src/errors/page-findings.ts'
import { httpRecordEntries, httpRunEntries } from '../../packages/core/src/errors/http.ts'
import {
  commandErrors,
  inputErrors,
  letterErrors,
  outputErrors,
  stateErrors,
  stepErrors,
  systemErrors,
} from '../../packages/core/src/errors/runs.ts'
import { stepFindingEntries } from '../../packages/core/src/errors/step-findings.ts'

/** Codes that concern one thing. */
export interface CatalogueArea {
  readonly part: CataloguePart
  readonly title: string
  readonly entries: Readonly<Record<string, CatalogueEntry>>
}

const area = (part: CataloguePart, title: string, entries: CatalogueArea['entries']): CatalogueArea => ({
  part,
  title,
  entries,
})

/** All areas, in the order in which a user meets them. */
export const catalogueAreas: readonly CatalogueArea[] = [
  area('finding', 'Files', fileFindings),
  area('finding', 'Keys and values', valueFindings),
  area('finding', 'Names, connectors, connections', nameFindings),
  area('finding', 'Flow', flowFindings),
  area('finding', 'Schemas and types', typeFindings),
  area('finding', 'Expressions and steps', stepFindingEntries),
  area('finding', 'Delivery and runs', promiseFindings),
  area('finding', 'Pages', pageFindings),
  area('bad record', 'Decoding', decodingErrors),
  area('bad record', 'Values', valueErrors),
  area('bad record', 'Functions', callErrors),
  area('bad record', 'Writing', writingErrors),
  area('bad record', 'HTTP', httpRecordEntries),
  area('run', 'The command', commandErrors),
  area('run', 'State', stateErrors),
  area('run', 'Input', inputErrors),
  area('run', 'Output', outputErrors),
  area('run', 'Systems', systemErrors),
  area('run', 'Dead letter', letterErrors),
  area('run', 'Steps', stepErrors),
  area('run', 'HTTP servers', httpRunEntries),
  area('answer', 'Gateway', answerEntries),
]
