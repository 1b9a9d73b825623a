/** Looks up fields of the input by name, and reports unknown ones. */
import { closest, type Field, fieldOf, type Json, type Problem, type RecordType, typeText } from '@millrace/core'

type At = Problem['at']

/** The field of this name, or undefined with a problem at `at`. `key`: the name is the last key of `at`. */
export function lookUp(input: RecordType, name: string, at: At, problems: Problem[], key = false): Field | undefined {
  const field = fieldOf(input, name)
  if (field) return field
  const names = Object.keys(input.fields)
  const near = closest(name, names)
  problems.push({
    code: 'unknown_field',
    message: input.open
      ? `the records have no field \`${name}\` in their schema: fields kept as unknown cannot be used by name`
      : `the records have no field \`${name}\` here`,
    at,
    key,
    ...(near
      ? { hint: `did you mean \`${near}\`?` }
      : { hint: names.length ? `there are: ${listed(names)}` : 'there are no fields left' }),
  })
  return undefined
}

/** Reports a field name that is in the output twice. */
export function nameTaken(name: string, at: At, key = false): Problem {
  return {
    code: 'duplicate_field',
    message: `there would be two fields \`${name}\``,
    at,
    key,
    hint: 'rename one of them, or leave one out',
  }
}

/** The problem with a field name; undefined: none. */
export function badName(name: string, at: At, key = false): Problem | undefined {
  if (name !== '' && name !== '__proto__') return undefined
  return {
    code: 'bad_field_name',
    message: name ? 'a field cannot be named `__proto__`' : 'a field needs a name',
    at,
    key,
  }
}

/** Names for a sentence, at most a dozen. */
export function listed(names: readonly string[]): string {
  const shown = names.slice(0, 12).map((name) => `\`${name}\``)
  return shown.join(', ') + (names.length > shown.length ? ` and ${names.length - shown.length} more` : '')
}

/** A record type with these fields; open like the input, if its other fields are kept. */
export function recordOf(fields: Iterable<readonly [string, Field]>, open = false): RecordType {
  const made: Record<string, Field> = {}
  for (const [name, field] of fields) made[name] = field
  return open ? { fields: made, open } : { fields: made }
}

/** The input's fields with some replaced in place and others appended. */
export function withFields(input: RecordType, changes: ReadonlyMap<string, Field>): RecordType {
  return recordOf(new Map([...Object.entries(input.fields), ...changes]), input.open)
}

/** For `Inference.unchanged`: each field of the input under its own name, except those `changed` or removed. */
export function unchangedBut(input: RecordType, changed: readonly string[] = []): Record<string, string> {
  const names = Object.keys(input.fields).filter((name) => !changed.includes(name))
  return Object.fromEntries(names.map((name) => [name, name]))
}

/** Names with their types, for `memory`. Whether a field may be null does not matter for remembered values. */
export const typesOf = (input: RecordType, names: readonly string[]): Json =>
  names.map((name) => [name, typeText(input.fields[name]!.type)])
