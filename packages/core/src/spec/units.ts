/** Durations, sizes and percentages as written, with units. All return undefined for any other text. */

const durationUnits: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}
const sizeUnits: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
}

/** What a duration looks like, for messages. */
export const durationForm = 'a duration with its unit (ms, s, m, h, d, w): `10m`, `1h30m`'
/** What a size looks like. */
export const sizeForm = 'a size with its unit (B, kB, MB, GB, KiB, MiB, GiB): `128MiB`'
/** What a percentage looks like. */
export const percentForm = 'a percentage from 0 % to 100 %: `5 %`'

/** `1h30m` in ms. */
export function parseDuration(text: string): number | undefined {
  const word = text.trim()
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d|w)\s*)+$/.test(word)) return undefined
  let total = 0
  for (const [, count, unit] of word.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d|w)/g))
    total += Number(count) * durationUnits[unit!]!
  return Number.isSafeInteger(total) ? total : undefined
}

/** `128MiB` in bytes. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*(B|kB|MB|GB|KiB|MiB|GiB)$/.exec(text.trim())
  if (!match) return undefined
  const bytes = Number(match[1]) * sizeUnits[match[2]!]!
  return Number.isSafeInteger(Math.round(bytes)) ? Math.round(bytes) : undefined
}

/** `5 %` as 0.05. */
export function parsePercent(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*%$/.exec(text.trim())
  const share = match ? Number(match[1]) / 100 : Number.NaN
  return share >= 0 && share <= 1 ? share : undefined
}

const evenly = (n: number, units: Readonly<Record<string, number>>): string => {
  const [unit, size] = Object.entries(units)
    .toSorted((a, b) => b[1] - a[1])
    .find(([, each]) => n >= each && n % each === 0) ?? ['', 1]
  return `${n / size}${unit}`
}

/** A duration in ms, as a user would type it: `30s`. */
export const durationText = (ms: number): string => (ms === 0 ? '0s' : evenly(ms, durationUnits))

/** A size in bytes, as a user would type it: `1MiB`. */
export const sizeText = (bytes: number): string => (bytes === 0 ? '0B' : evenly(bytes, sizeUnits))
