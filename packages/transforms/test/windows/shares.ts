/** How many cases have what, so that nobody believes in a test of what does not occur. */
import type { WindowCase } from './cases.ts'
import { type Border, type Played } from './model.ts'

const day = 86_400_000

/** At least a tenth of the cases must have each of these. */
const tenths = (each: WindowCase, { results, late, ahead, merges, back }: Played): Record<string, boolean> => ({
  'late records': late.length > 0,
  'sessions that merge': merges > 0,
  'clocks that change': each.window.zone !== undefined && [...results.values()].some(isUneven),
  'idle lanes that come back': back > 0,
  'records from the future': ahead.length > 0,
  'several lanes': Object.keys(each.lanes).length > 1,
  'sliding windows': each.window.sliding !== undefined,
  'allowed lateness': (each.window.allowed_lateness ?? 0) > 0,
})
const isUneven = ({ window_start, window_end }: { window_start: number; window_end: number }) =>
  (window_end - window_start) % day !== 0

/** A twentieth of these. */
function twentieths({ borders, shutOut }: Played): Record<string, boolean> {
  const found: Record<string, boolean> = { 'records shut out by a window that is closed': shutOut > 0 }
  const names = { '-1': '1 ms before', 0: 'at the border', 1: '1 ms beyond' }
  const of = (what: string, border: Border) => {
    for (const at of [-1, 0, 1] as const) found[`${what}: ${names[at]}`] = border[at] > 0
  }
  of('a window fires', borders.fires)
  of('a window closes', borders.closes)
  of('a record is late', borders.late)
  return found
}

export function shares() {
  const seen = { tenths: new Map<string, number>(), twentieths: new Map<string, number>() }
  let cases = 0
  const count = (into: Map<string, number>, found: Record<string, boolean>) => {
    for (const [what, is] of Object.entries(found)) into.set(what, (into.get(what) ?? 0) + Number(is))
  }
  return {
    add(each: WindowCase, story: Played) {
      cases++
      count(seen.tenths, tenths(each, story))
      count(seen.twentieths, twentieths(story))
    },
    /** What is too rare. */
    tooFew: (): string[] =>
      [
        ...[...seen.tenths].filter(([, n]) => n < cases / 10),
        ...[...seen.twentieths].filter(([, n]) => n < cases / 20),
      ].map(([what, n]) => `${what}: ${n} of ${cases}`),
    text: (): string =>
      [...seen.tenths, ...seen.twentieths]
        .map(([what, n]) => `  ${((100 * n) / cases).toFixed(1).padStart(5)} %  ${what}`)
        .join('\n'),
  }
}
