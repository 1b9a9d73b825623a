/** The built-in steps, as definitions. */
import type { TransformDefinition } from '@millrace/core'
import { drop } from './drop.ts'
import { parseDates } from './parse-dates.ts'
import { select } from './select.ts'

const steps: readonly TransformDefinition[] = [parseDates, select, drop]
export default steps
