/**
 * The lanes of several instances as one state, from which new instances take those of their own splits (rescale.ts).
 *
 * Each instance had watermarks of its own, and they came differently far. A step goes on from the lowest, so nothing is
 * late that would not have been. Behind a higher one, windows have closed: they stay closed for the lanes of that
 * instance, which remember it as their floor. A lane's own time is beyond it, unless the lane was idle.
 */
import type { Save, SavedLane } from '../store/index.ts'

export function mergeLanes(instances: readonly Save['lanes'][]): SavedLane[] {
  const merged = new Map<string, SavedLane>()
  const put = (each: SavedLane) => merged.set(`${each.source}\0${each.lane}`, each)
  for (const lanes of instances)
    for (const each of lanes) {
      if (isWatermark(each)) continue
      const of = lanes.filter((other) => isWatermark(other) && sourcesOf(other).includes(each.source))
      const floor = of.length === 0 ? undefined : Math.min(...of.map(({ high }) => high))
      const known = merged.get(`${each.source}\0${each.lane}`)
      put(lowest({ ...each, floor: highest(each.floor, floor) }, known))
    }
  const names = new Set(instances.flatMap((lanes) => lanes.filter(isWatermark).map(({ lane }) => lane)))
  for (const lane of names) {
    const reached = instances.flatMap((lanes) => {
      const own = lanes.find((each) => isWatermark(each) && each.lane === lane)
      // An instance without splits has none, and holds nothing back.
      const hasLanes = lanes.some((each) => each.lane !== '' && lane.split(',').includes(each.source))
      return own ? [own.high] : hasLanes ? [Number.NEGATIVE_INFINITY] : []
    })
    const high = Math.min(...reached)
    if (Number.isFinite(high)) put({ source: '', lane, high, state: 'active' })
  }
  return [...merged.values()]
}

/** The last watermark of a step. It is named by the sources that reach it. */
export const isWatermark = ({ source }: SavedLane): boolean => source === ''

const sourcesOf = ({ lane }: SavedLane): readonly string[] => lane.split(',')

const highest = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined ? b : b === undefined ? a : Math.max(a, b)

/** Of the one lane that all splits of a source share, what holds back most. */
function lowest(a: SavedLane, b: SavedLane | undefined): SavedLane {
  if (!b) return a
  const state = a.state === b.state ? a.state : 'active'
  return { ...a, high: Math.min(a.high, b.high), state, floor: highest(a.floor, b.floor) }
}
