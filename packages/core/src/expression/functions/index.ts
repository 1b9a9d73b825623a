import { conversionFunctions } from './conversion.ts'
import type { FunctionEntry } from './entry.ts'
import { specialFunctions } from './lists.ts'
import { numberFunctions } from './numbers.ts'
import { textFunctions } from './text.ts'
import { timeFunctions } from './time.ts'

export { type FunctionEntry, signatures } from './entry.ts'

/** Every function of expressions, for the check and for the documentation. */
export const functions: readonly FunctionEntry[] = [
  ...textFunctions,
  ...numberFunctions,
  ...conversionFunctions,
  ...timeFunctions,
  ...specialFunctions,
]

const byName = new Map(functions.map((entry) => [entry.name, entry]))

/** The function of this name. */
export const functionNamed = (name: string): FunctionEntry | undefined => byName.get(name)
/** The names of all functions. */
export const functionNames = (): Iterable<string> => byName.keys()

/** Names from other languages, and what to write here. */
export const otherNames: ReadonlyMap<string, string> = new Map([
  ...['len', 'length', 'count', 'char_length', 'cardinality'].map((name) => [name, 'size'] as const),
  ...['toLowerCase', 'lowerAscii', 'lowercase', 'to_lower', 'lcase'].map((name) => [name, 'lower'] as const),
  ...['toUpperCase', 'upperAscii', 'uppercase', 'to_upper', 'ucase'].map((name) => [name, 'upper'] as const),
  ...['ifnull', 'nvl', 'isnull', 'default', 'orValue'].map((name) => [name, 'coalesce'] as const),
  ...['str', 'text', 'toString', 'to_string', 'varchar'].map((name) => [name, 'string'] as const),
  ...['integer', 'toInt', 'to_int', 'parseInt'].map((name) => [name, 'int'] as const),
  ...['number', 'float', 'toFloat', 'to_number', 'parseFloat'].map((name) => [name, 'double'] as const),
  ...['regexp', 'match', 'regex', 'rlike', 'test'].map((name) => [name, 'matches'] as const),
  ...['substr', 'mid', 'slice'].map((name) => [name, 'substring'] as const),
  ['ceiling', 'ceil'],
  ['boolean', 'bool'],
  ['least', 'min'],
  ['greatest', 'max'],
  ['any', 'exists'],
  ['includes', 'contains'],
  ['starts_with', 'startsWith'],
  ['ends_with', 'endsWith'],
  ['json', 'parse_json'],
  ['parseJson', 'parse_json'],
  ['dayofweek', 'day_of_week'],
  ['weekday', 'day_of_week'],
])

/** Functions that users look for and that do not exist, and what to do instead. */
export const missingNames: ReadonlyMap<string, string> = new Map([
  ...['power', 'pow', 'sqrt', 'exp', 'log', 'ln', 'log10', 'sin', 'cos', 'tan'].map(
    (name) => [name, 'a `call` step runs a function of your own'] as const,
  ),
  ...['hash', 'md5', 'sha1', 'sha512', 'crc32', 'murmur'].map((name) => [name, 'sha256() computes a hash'] as const),
])

/** Functions that would give a different result each time. */
export const notRepeatable: ReadonlySet<string> = new Set([
  'now',
  'today',
  'current_timestamp',
  'current_date',
  'current_time',
  'uuid',
  'gen_uuid',
  'random',
  'rand',
  'random_uuid',
])
