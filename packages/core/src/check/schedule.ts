/** Rules about `schedule`: when it is due, and what it follows. */
import { checkZone } from '../date/index.ts'
import { checkCron } from '../schedule/index.ts'
import type { Project } from '../spec/project.ts'
import { suggest } from '../spec/suggest.ts'
import { entryOf, type Place } from '../spec/tree.ts'
import type { CheckedSink } from './checked.ts'
import { type Checking, guarded } from './context.ts'

/** Checks the schedule of a spec. `isEndless`: another pipeline never ends a run. */
export function checkSchedule({ spec, project, report }: Checking, isEndless: (other: Project) => boolean): void {
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
  const { others } = project
  if (!others) return
  for (const name of value.after ?? []) {
    const other = others.get(name)
    if (other && isEndless(other.project))
      report('after_endless', placeOf('after'), 'schedule.after', `\`${name}\` stays up, so no run of it ends`)
    if (other || name === spec.name) continue
    report('unknown_pipeline', placeOf('after'), 'schedule.after', `no pipeline of the project is named \`${name}\``, {
      hint: suggest(name, [...others.keys()]),
    })
  }
  const after = new Map([...others].map(([name, other]) => [name, other.after]))
  const circle = circleFrom(spec.name, after.set(spec.name, value.after ?? []))
  if (circle) report('after_circle', placeOf('after'), 'schedule.after', circle.join(' runs after '))
}

/** A whole run begins anew each time: its sinks have to know what to do with the results of the one before. */
export function checkRepeats(sinks: readonly CheckedSink[], ctx: Checking): void {
  if (!ctx.spec.schedule) return
  for (const { id, type, spec, definition, options } of sinks) {
    if (options === undefined || !definition?.stopsAtExisting) continue
    const what = `sink \`${type}\``
    if (guarded(ctx, spec.place, spec.path, what, () => definition.stopsAtExisting!(options)))
      ctx.report(
        'scheduled_output',
        spec.place,
        `${spec.path}.config.existing`,
        `the second run of the schedule stops: \`${id}\` finds the results of the first`,
      )
  }
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
