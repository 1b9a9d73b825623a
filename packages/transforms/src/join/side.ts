/** The other side of a join: where it is read, and whether its keys and fields match. */
import {
  type Field,
  fieldOf,
  isKeyType,
  type Problem,
  type RecordType,
  sameType,
  type Type,
  typeText,
} from '@millrace/core'
import { badName, lookUp, nameTaken } from '../fields.ts'
import { pairs as pairsOf, type PickItem } from '../pick.ts'

/** The extensions of files that a join reads, but for their compression. */
export const sideExtensions = ['csv', 'tsv', 'jsonl', 'ndjson', 'json', 'parquet', 'arrow']

/** The source that reads a file of this name; undefined if the name does not indicate its format. */
export function sourceTypeOf(path: string): 'csv' | 'files' | undefined {
  const extension = /\.([a-z]+)(?:\.(?:gz|zst))?$/i.exec(path)?.[1]?.toLowerCase()
  if (extension === 'csv' || extension === 'tsv') return 'csv'
  return extension && sideExtensions.includes(extension) ? 'files' : undefined
}

/** A field to add. `at`: its place in `fields`. */
export interface Matched {
  readonly to: string
  readonly from: string
  readonly field: Field
  readonly at: readonly (string | number)[]
  readonly key: boolean
}

const unknown: Field = { type: { kind: 'json' }, optional: true }

/** The fields to add: the picked ones, or all of the side except its keys. */
export function sideFields(
  keys: readonly (readonly [ours: string, theirs: string])[],
  fields: readonly PickItem[] | undefined,
  side: RecordType,
): Matched[] {
  if (fields)
    return pairsOf(fields).map(({ to, from, at, key }) => ({
      to,
      from,
      field: fieldOf(side, from) ?? unknown,
      at,
      key,
    }))
  const theirs = new Set(keys.map(([, name]) => name))
  return Object.entries(side.fields)
    .filter(([name]) => !theirs.has(name))
    .map(([name, field]) => ({ to: name, from: name, field, at: [], key: false }))
}

/** Keys exist on both sides and have the same type. */
export function checkKeys(
  keys: readonly (readonly [ours: string, theirs: string])[],
  on: unknown,
  input: RecordType,
  side: RecordType,
  problems: Problem[],
): void {
  for (const [i, [ours, theirs]] of keys.entries()) {
    const isMap = typeof on === 'object' && !Array.isArray(on)
    const at = typeof on === 'string' ? ['on'] : isMap ? ['on', ours] : ['on', i]
    const left = lookUp(input, ours, at, problems, isMap)
    const right = lookUpSide(side, theirs, at, problems)
    if (!left || !right) continue
    if (!isKeyType(left.type))
      problems.push({
        code: 'wrong_type',
        message: `\`${ours}\` cannot be part of a key`,
        at,
        expected: 'a single value',
        got: typeText(left.type),
      })
    else if (!comparable(left.type, right.type))
      problems.push({
        code: 'wrong_type',
        message: `\`${ours}\` and \`${theirs}\` of the other side have different types and would never be equal`,
        at,
        expected: typeText(right.type),
        got: typeText(left.type),
        hint: '`cast` one of them',
      })
  }
}

// An integer and a whole double are the same number, and the same text in a key; so are decimals with the same scale.
const comparable = (a: Type, b: Type): boolean =>
  sameType(a, b) ||
  (isDouble(a) && isDouble(b)) ||
  (a.kind === 'decimal' && b.kind === 'decimal' && a.scale === b.scale)
const isDouble = (type: Type): boolean => type.kind === 'integer' || type.kind === 'number'

/** Added fields exist, and their names are free. `isPicked`: they are listed in `fields`. */
export function checkSide(
  added: readonly Matched[],
  isPicked: boolean,
  input: RecordType,
  side: RecordType,
  problems: Problem[],
): void {
  const taken = new Set(Object.keys(input.fields))
  for (const { to, from, at, key } of added) {
    const place = isPicked ? ['fields', ...at] : []
    if (!fieldOf(side, from)) lookUpSide(side, from, place, problems)
    const bad = badName(to, place, key)
    if (bad) problems.push(bad)
    else if (taken.has(to))
      problems.push(
        isPicked
          ? nameTaken(to, place, key)
          : { ...nameTaken(to, place), hint: `choose what to add with \`fields\`: fields: [{ other_name: ${to} }]` },
      )
    taken.add(to)
  }
}

function lookUpSide(side: RecordType, name: string, at: Problem['at'], problems: Problem[]): Field | undefined {
  const own: Problem[] = []
  const field = lookUp(side, name, at, own)
  for (const problem of own) problems.push({ ...problem, message: `the other side has no field \`${name}\`` })
  return field
}
