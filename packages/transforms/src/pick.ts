/**
 * Lists of fields with renames, as `select`, `nest` and `join` accept them: `[InvoiceNo, { country: Country }]`, where
 * a rename is `{ new: old }`.
 */
import { type Field, type Option, option, type Problem, type RecordType } from '@millrace/core'
import { badName, lookUp, nameTaken } from './fields.ts'

export type PickItem = string | Record<string, string>

/** The option for such a list. `of`: the names are fields of the input, or text that the step looks up elsewhere. */
export const pickOption = (description: string, example: unknown, of: 'field' | 'text' = 'field'): Option<PickItem[]> =>
  option.list(
    option.anyOf(
      [
        option[of]('A field that keeps its name.'),
        option.map(option[of]('The old name.'), 'New names: `{ new: old }`.'),
      ],
      'A field, or `{ new: old }`.',
    ),
    description,
    { example },
  )

/** A picked field: its new name, its old one, its type, and its place in the list. */
export interface Picked {
  readonly to: string
  readonly from: string
  readonly field: Field
  readonly at: readonly (string | number)[]
}

/** A pair of names and its place in the list. `key`: the new name is a key there. */
interface Pair {
  readonly to: string
  readonly from: string
  readonly at: readonly (string | number)[]
  readonly key: boolean
}

/** Names and places of a list, without types. */
export function pairs(items: readonly PickItem[]): Pair[] {
  return items.flatMap((item, i): Pair[] =>
    typeof item === 'string'
      ? [{ to: item, from: item, at: [i], key: false }]
      : Object.entries(item).map(([to, from]) => ({ to, from, at: [i, to], key: true })),
  )
}

/** The fields a list picks from `input`. Unknown fields and duplicate new names are problems, placed under `base`. */
export function pick(
  items: readonly PickItem[],
  input: RecordType,
  base: readonly (string | number)[],
  problems: Problem[],
): Picked[] {
  const picked: Picked[] = []
  const taken = new Set<string>()
  for (const { to, from, at, key } of pairs(items)) {
    const place = [...base, ...at]
    const field = lookUp(input, from, place, problems)
    const bad = badName(to, place, key)
    if (bad) problems.push(bad)
    else if (taken.has(to)) problems.push(nameTaken(to, place, key))
    else if (field) picked.push({ to, from, field, at: place })
    taken.add(to)
  }
  return picked
}
