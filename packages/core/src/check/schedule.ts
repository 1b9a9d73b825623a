/** Rules about `schedule`: when it is due, and what it follows. */
import { checkZone } from '../date/index.ts'
import { checkCron } from '../schedule/index.ts'
import { suggest } from '../spec/suggest.ts'
import { entryOf, type Place } from '../spec/tree.ts'
import type { Checking } from './context.ts'

/** Checks the schedule of a spec. */
export function checkSchedule({ spec, project, report }: Checking): void {
  if (!spec.schedule) return
  const { entry, value } = spec.schedule
  const placeOf = (key: string): Place => entryOf(entry.value, key)?.value.place ?? entry.keyPlace
  if ((value.cron === undefined) === (value.after === undefined))
    report(
      'schedule_start',
      entry.keyPlace,
      'schedule',
      value.cron === undefined ? 'neither `cron` nor `after` says when to run' : '`cron` and `after` are both given',
    )
  const problem = value.cron === undefined ? undefined : checkCron(value.cron)
  if (problem !== undefined)
    report('bad_cron', placeOf('cron'), 'schedule.cron', `\`${value.cron}\` is not a cron expression: ${problem}`)
  const wrongZone = checkZone(value.timezone)
  if (wrongZone !== undefined) report('unknown_zone', placeOf('timezone'), 'schedule.timezone', wrongZone)
  const others = project.others ?? new Map<string, readonly string[]>()
  for (const name of value.after ?? []) {
    if (name !== spec.name && !others.has(name))
      report(
        'unknown_pipeline',
        placeOf('after'),
        'schedule.after',
        `no pipeline of the project is named \`${name}\``,
        {
          hint: suggest(
            name,
            [...others.keys()].filter((other) => other !== spec.name),
          ),
        },
      )
  }
  const circle = circleFrom(spec.name, new Map(others).set(spec.name, value.after ?? []))
  if (circle) report('after_circle', placeOf('after'), 'schedule.after', circle.join(' runs after '))
}

/** The way from a pipeline back to itself; undefined: there is none. */
function circleFrom(name: string, after: ReadonlyMap<string, readonly string[]>): readonly string[] | undefined {
  const seen = new Set<string>()
  const visit = (at: string, way: readonly string[]): readonly string[] | undefined => {
    for (const next of after.get(at) ?? []) {
      if (next === name) return [...way, next]
      if (seen.has(next)) continue
      seen.add(next)
      const found = visit(next, [...way, next])
      if (found) return found
    }
    return undefined
  }
  return visit(name, [name])
}
