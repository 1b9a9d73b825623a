/** Reads the inputs of a page. */
import { fromText, isKeyType } from '../convert/index.ts'
import { DataError } from '../errors/index.ts'
import { type InputType, plainRange } from '../query/index.ts'
import { parseType, typeText } from '../schema/index.ts'
import type { Report } from '../spec/finding.ts'
import { readKeys } from '../spec/read.ts'
import { entryOf, type MapEntry, type SpecNode } from '../spec/tree.ts'
import { namedEntries } from './reading.ts'
import type { PageInput } from './page.ts'
import { inputShape } from './shape.ts'

/** What was read. */
export interface ReadInputs {
  readonly inputs: Readonly<Record<string, InputType>>
  /** Those without a type, which was reported. */
  readonly broken: ReadonlySet<string>
  readonly shown: readonly PageInput[]
}

/** The inputs that have a type, and how they are shown. */
export function readInputs(entry: MapEntry | undefined, report: Report): ReadInputs {
  const inputs: Record<string, InputType> = {}
  const shown: PageInput[] = []
  const broken = new Set<string>()
  for (const { key, keyPlace, value: node } of namedEntries(entry, report)) {
    const path = `inputs.${key}`
    if (!/^[A-Za-z_]\w*$/.test(key) || key === 'page')
      report('bad_value', keyPlace, path, `an input cannot be called \`${key}\``, {
        hint: key === 'page' ? '`page` names the page that a link leads to' : 'use letters, digits and `_`',
      })
    const { values } = readKeys(node, inputShape, path, report)
    broken.add(key)
    const { type: written, label = key } = values
    if (typeof written !== 'string') continue
    const type = typeOf(written)
    if (type === undefined) {
      report(
        'wrong_type',
        (entryOf(node, 'type')?.value ?? node).place,
        `${path}.type`,
        `there is no type \`${written}\` of inputs`,
        {
          expected: 'a type of single values, such as integer, string? or date; or time_range',
        },
      )
      continue
    }
    inputs[key] = type
    broken.delete(key)
    const text = (option: 'default' | 'choices', value: unknown, at: SpecNode): string => {
      const made = String(value)
      const problem = problemOf(type, made)
      if (problem !== undefined) report('wrong_type', at.place, `${path}.${option}`, problem, { got: made })
      return made
    }
    const fallback = entryOf(node, 'default')?.value
    const choices = entryOf(node, 'choices')?.value
    shown.push({
      name: key,
      label: String(label),
      type: type === 'time_range' ? type : typeText(type.type),
      optional: type !== 'time_range' && type.optional,
      ...(fallback && values['default'] !== undefined ? { default: text('default', textIn(fallback), fallback) } : {}),
      ...(choices?.kind === 'list' && values['choices'] !== undefined
        ? { choices: choices.items.map((item) => text('choices', textIn(item), item)) }
        : {}),
    })
  }
  return { inputs, broken, shown }
}

const textIn = (node: SpecNode): string => (node.kind === 'scalar' ? node.text : '')

function typeOf(text: string): InputType | undefined {
  if (text.trim() === 'time_range') return 'time_range'
  const field = parseType(text)
  return field && isKeyType(field.type) ? field : undefined
}

/** What is wrong with the text of a value. */
function problemOf(type: InputType, text: string): string | undefined {
  if (type === 'time_range')
    return plainRange(text) ? undefined : `\`${text}\` is no range of time, such as 24h or 2026-01-01/2026-02-01`
  try {
    fromText(type.type)(text)
    return undefined
  } catch (error) {
    if (error instanceof DataError) return error.message
    throw error
  }
}
