/** A line of a log for people: `12:00:01 warn orders retry store: no connection`. */

/** From the line as JSON; what is not JSON stays as it is. */
export function logLineText(text: string): string {
  let line: Record<string, unknown>
  try {
    line = JSON.parse(text) as Record<string, unknown>
  } catch {
    return text
  }
  const { time, level, pipeline, code, node, message, hint, place: _, ...more } = line
  const details = Object.entries(more).flatMap(([key, value]) =>
    value === null || typeof value === 'object' ? [] : `${key}=${String(value)}`,
  )
  const head = [String(time).slice(11, 19), String(level).padEnd(5), pipeline, code, node].filter(Boolean).join(' ')
  const words = [
    message && `: ${String(message)}`,
    details.length > 0 && ` (${details.join(', ')})`,
    hint && `; ${String(hint)}`,
  ]
  return `${head}${words.filter(Boolean).join('')}\n`
}
