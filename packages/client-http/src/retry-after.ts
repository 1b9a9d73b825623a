/** `Retry-After`: seconds, or a date in the one form that is still sent (RFC 9110, sections 10.2.3 and 5.6.7). */

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** How long the header asks to wait, ms; undefined: it does not say. */
export function retryAfterMs(header: string | undefined, nowMs = Date.now()): number | undefined {
  if (header === undefined) return undefined
  if (/^\s*\d{1,9}\s*$/.test(header)) return Number(header) * 1000
  const date = /^\w{3}, (\d\d) (\w{3}) (\d{4}) (\d\d):(\d\d):(\d\d) GMT$/.exec(header.trim())
  const month = months.indexOf(date?.[2] ?? '')
  if (!date || month < 0) return undefined
  const [, day, , year, hour, minute, second] = date
  const at = Date.UTC(Number(year), month, Number(day), Number(hour), Number(minute), Number(second))
  return Math.max(0, at - nowMs)
}
