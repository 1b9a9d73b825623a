/** Numbers and times as people read them. Times are shown in the browser's zone, which is always named. */

const whole = new Intl.NumberFormat('en')
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 })

/** `541,909` */
export const count = (n: number): string => whole.format(n)

/** `1 record`, `541,909 records` */
export const counted = (n: number, what: string): string => `${count(n)} ${what}${n === 1 ? '' : 's'}`

/** `541.9K`, where there is little room. */
export const compact = (n: number): string => (Math.abs(n) < 10_000 ? whole.format(n) : short.format(n))

/** `12.4K/s`; nothing for none. */
export const rate = (n: number | undefined): string => (!n ? '' : `${n < 10 ? n.toFixed(1) : short.format(n)}/s`)

/** `3.2 GB` */
export function bytes(n: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let at = 0
  for (; n >= 1000 && at < units.length - 1; at++) n /= 1000
  return `${at === 0 || n >= 100 ? Math.round(n) : n.toFixed(1)} ${units[at]}`
}

export const zone = Intl.DateTimeFormat().resolvedOptions().timeZone

const dated = new Intl.DateTimeFormat('sv', { dateStyle: 'short', timeStyle: 'medium', timeZone: zone })
const timed = new Intl.DateTimeFormat('sv', { timeStyle: 'medium', timeZone: zone })

/** `14:05:09` for today, else `2026-03-01 14:05:09`; of the browser's zone. */
export function time(ms: number): string {
  const today = dated.format(Date.now()).slice(0, 10)
  const text = dated.format(ms)
  return text.startsWith(today) ? timed.format(ms) : text
}

/** `4 min 12 s`, `350 ms`. */
export function span(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`
  const seconds = Math.floor(ms / 1000)
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`
}
