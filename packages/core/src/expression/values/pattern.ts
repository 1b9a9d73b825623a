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

/** Whether a text matches the pattern anywhere. Throws `bad_pattern` for an invalid one. */
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
  const test = (text: string) => made.test(text)
  compiled.set(source, test)
  return test
}
