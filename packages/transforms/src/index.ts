/** The built-in steps, as definitions. */
import type { TransformDefinition } from '@millrace/core'
import { cast } from './cast/index.ts'
import { dedupe } from './dedupe.ts'
import { defaults } from './default.ts'
import { drop } from './drop.ts'
import { explode } from './explode.ts'
import { nest } from './nest.ts'
import { parseDates } from './parse-dates.ts'
import { select } from './select.ts'

const steps: readonly TransformDefinition[] = [parseDates, select, drop, cast, defaults, nest, explode, dedupe]
export default steps
