/** The built-in steps, as definitions. */
import type { TransformDefinition } from '@millrace/core'
import { aggregate } from './aggregate/index.ts'
import { call } from './call/index.ts'
import { cast } from './cast/index.ts'
import { dedupe } from './dedupe/index.ts'
import { defaults } from './default.ts'
import { drop } from './drop.ts'
import { explode } from './explode.ts'
import { join } from './join/index.ts'
import { nest } from './nest.ts'
import { parseDates } from './parse-dates.ts'
import { route } from './route.ts'
import { select } from './select.ts'
import { set } from './set.ts'
import { where } from './where.ts'

export { defineStep } from './call/load.ts'

const steps: readonly TransformDefinition[] = [
  parseDates,
  select,
  set,
  drop,
  where,
  route,
  cast,
  defaults,
  dedupe,
  explode,
  nest,
  join,
  call,
  aggregate,
]
export default steps
