/** Problems of one field of a generator. */
import { closest, compileExpression, fieldText, type Problem } from '@millrace/core'
import { fakerMethods, needArgument } from './faker-methods.ts'
import { type Generator, kindOf, kinds, type StreamField } from './generator.ts'
import { naturalField, naturalRecord } from './natural.ts'
import type { FullField } from './options.ts'
import { relativeTime, timeForm, timeWords } from './time.ts'
import { stepsOf } from './values.ts'

type Path = readonly (string | number)[]
type Say = (at: Path, message: string, more?: Partial<Problem>) => Problem

/** A value that is not allowed, with its place. */
export const badValue: Say = (at, message, more) => ({ code: 'bad_value', at, message, ...more })

/** "Did you mean", or all words if there are few. */
export const hintFor = (typed: string, words: Iterable<string>): { readonly hint?: string } => {
  const all = [...words]
  const near = closest(typed, all)
  if (near !== undefined) return { hint: `did you mean \`${near}\`?` }
  return all.length > 0 && all.length <= 15 ? { hint: `known: ${all.join(', ')}` } : {}
}

/** `count`: how many values the weights are for. */
export function weightProblems(weights: readonly number[], count: number, at: Path): Problem[] {
  if (weights.length !== count)
    return [badValue(at, `there are ${weights.length} weights for ${count} values`, { expected: `${count} weights` })]
  return weights.every((weight) => weight === 0) ? [badValue(at, 'all weights are 0')] : []
}

/** Problems of field `index` of a stream. */
export function fieldProblems(
  generator: Generator,
  stream: string,
  fields: readonly StreamField[],
  index: number,
): Problem[] {
  const { made, path } = fields[index]!
  const kind = kindOf(made)
  if (!kind) return [badValue(path, 'a field is made in exactly one way', { expected: `one of ${kinds.join(', ')}` })]
  const found: Problem[] = []
  if (made.with !== undefined && !made.fake) found.push(badValue([...path, 'with'], '`with` belongs to `fake`'))
  if (made.weights && !made.one_of) found.push(badValue([...path, 'weights'], '`weights` belongs to `one_of`'))
  if (made.weights && made.one_of) found.push(...weightProblems(made.weights, made.one_of.length, [...path, 'weights']))
  if (made.else !== undefined && made.when === undefined)
    found.push(badValue([...path, 'else'], '`else` belongs to `when`'))
  found.push(...rangeProblems(made, path), ...fakeProblems(made, path))
  if (made.of) found.push(...referenceProblems(generator, stream, made.of, [...path, 'of']))
  if (made.when !== undefined) found.push(...conditionProblems(generator, fields.slice(0, index), made.when, path))
  return found
}

function fakeProblems({ fake, with: argument }: FullField, path: Path): Problem[] {
  if (fake === undefined) return []
  const at = [...path, 'fake']
  if (!fakerMethods.has(fake))
    return [
      badValue(at, `Faker has no method \`${fake}\` that makes one value`, {
        hint: `see https://fakerjs.dev/api`,
        ...hintFor(fake, fakerMethods.keys()),
      }),
    ]
  return needArgument.has(fake) && argument === undefined
    ? [badValue(at, `\`${fake}\` needs an argument`, { hint: 'give it in `with`' })]
    : []
}

function rangeProblems({ integer, number, time, date }: FullField, path: Path): Problem[] {
  if (integer && integer.from > integer.to)
    return [badValue([...path, 'integer'], `\`from\` (${integer.from}) is above \`to\` (${integer.to})`)]
  if (number) {
    const { first, last } = stepsOf(number)
    if (first > last)
      return [
        badValue([...path, 'number'], `no number with ${number.digits} digits is from ${number.from} to ${number.to}`),
      ]
    if (![first, last].every(Number.isSafeInteger))
      return [badValue([...path, 'number'], `${number.digits} digits are too many for numbers of this size`)]
  }
  const range = time ?? date
  if (!range) return []
  const at = [...path, time ? 'time' : 'date']
  const unread = (['from', 'to'] as const).flatMap((end) =>
    relativeTime(range[end])
      ? []
      : [
          badValue([...at, end], `\`${range[end]}\` is not a time`, {
            expected: timeForm,
            ...(closest(range[end], timeWords) ? hintFor(range[end], timeWords) : {}),
          }),
        ],
  )
  if (unread.length > 0) return unread
  const [from, to] = [relativeTime(range.from)!, relativeTime(range.to)!]
  const isAfter = (from.offsetMs ?? Number.NaN) > to.offsetMs! || (from.fixedMs ?? Number.NaN) > to.fixedMs!
  return isAfter ? [badValue(at, `\`from\` (${range.from}) is after \`to\` (${range.to})`)] : []
}

function referenceProblems(
  generator: Generator,
  stream: string,
  of: NonNullable<FullField['of']>,
  at: Path,
): Problem[] {
  const others = [...generator.streams.keys()].filter((name) => name !== stream)
  if (of.stream === stream)
    return [
      badValue([...at, 'stream'], 'a stream cannot refer to itself: its first record would have nothing to refer to'),
    ]
  const fields = generator.streams.get(of.stream)?.map(({ name }) => name)
  if (!fields) return [badValue([...at, 'stream'], `there is no stream \`${of.stream}\``, hintFor(of.stream, others))]
  if (fields.includes(of.field)) return []
  const message = `\`${of.stream}\` has no field \`${of.field}\``
  return [{ code: 'unknown_field', at: [...at, 'field'], message, ...hintFor(of.field, fields) }]
}

function conditionProblems(generator: Generator, before: readonly StreamField[], when: string, path: Path): Problem[] {
  const at = [...path, 'when']
  // A field with a problem has no type, so a condition on it is not judged.
  if (before.some(({ made }) => !naturalField(generator, made))) return []
  const compiled = compileExpression(when, naturalRecord(generator, before))
  if (!compiled.ok) return compiled.problems.map((problem) => ({ ...problem, at }))
  if (compiled.type.kind === 'boolean') return []
  const got = fieldText(compiled)
  return [{ code: 'wrong_type', at, message: 'a condition is true or false', expected: 'boolean', got }]
}
