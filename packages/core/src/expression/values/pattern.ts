/**
 * Regular expressions by RE2 (https://github.com/google/re2/wiki/Syntax): time is linear in the text for any pattern.
 * The library is loaded for the first pattern, since that costs a third of Node's start-up time; by `require`, because
 * a check cannot wait.
 */
import { DataError } from '../../errors/index.ts'

type Re2 = typeof import('re2js')

let library: Re2 | undefined
const compiled = new Map<string, (text: string) => boolean>()
const kept = 100
/** Instructions of a pattern without large repetitions, and the work allowed to larger patterns: some 2 s. */
const freeSize = 300
const maxWork = 50_000_000

/** Whether a text matches the pattern anywhere. Throws `bad_pattern` for an invalid one; the test, `too_costly`. */
export function pattern(source: string): (text: string) => boolean {
  const known = compiled.get(source)
  if (known) return known
  library ??= process.getBuiltinModule('node:module').createRequire(import.meta.url)('re2js') as Re2
  let made: ReturnType<Re2['RE2JS']['compile']>
  try {
    made = library.RE2JS.compile(source)
  } catch (error) {
    throw new DataError(
      'bad_pattern',
      `${JSON.stringify(source.slice(0, 80))} is not a regular expression: ${(error as Error).message.replace(/^error parsing regexp: /, '')}`,
    )
  }
  if (compiled.size >= kept) compiled.delete(compiled.keys().next().value!)
  // It may run every instruction at every character.
  const size = made.programSize()
  const longest = size > freeSize ? Math.floor(maxWork / size) : Number.POSITIVE_INFINITY
  const test = (text: string) => {
    if (text.length <= longest) return made.test(text)
    throw new DataError(
      'too_costly',
      `the regular expression has ${size} steps, so it can match texts of up to ${longest} characters; this one has ${text.length}`,
    )
  }
  compiled.set(source, test)
  return test
}
