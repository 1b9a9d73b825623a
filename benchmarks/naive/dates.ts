/**
 * Which date library a team would choose for speed: CPU for 150,000 dates, parsed and formatted, with each library in
 * its fastest documented form.
 */
import { format, isValid, parse } from 'date-fns'
// @ts-expect-error: luxon ships no types
import { DateTime } from 'luxon'
import { normalizeDate } from './invoice.ts'

const luxonParser = DateTime.buildFormatParser('M/d/yyyy H:mm')
const reference = new Date(0)

const libraries: Record<string, (text: string) => string> = {
  dayjs: normalizeDate,
  'date-fns': (text) => {
    const date = parse(text, 'M/d/yyyy H:mm', reference)
    if (!isValid(date)) throw new Error(`not a date: ${text}`)
    return format(date, 'yyyy-MM-dd HH:mm:ss')
  },
  luxon: (text) => {
    const date = DateTime.fromFormatParser(text, luxonParser)
    if (!date.isValid) throw new Error(`not a date: ${text}`)
    return date.toFormat('yyyy-MM-dd HH:mm:ss')
  },
}

export function compareDateLibraries(): void {
  const texts = Array.from(
    { length: 150_000 },
    (_, k) => `${1 + (k % 12)}/${1 + (k % 28)}/2011 ${k % 24}:${String(k % 60).padStart(2, '0')}`,
  )
  for (const round of ['warm', 'timed']) {
    for (const [name, normalize] of Object.entries(libraries)) {
      const before = process.cpuUsage()
      for (const text of texts) normalize(text)
      const { user, system } = process.cpuUsage(before)
      if (round === 'timed') console.log(`${name.padEnd(10)} ${((user + system) / 1e6).toFixed(2)} s`)
    }
  }
}
