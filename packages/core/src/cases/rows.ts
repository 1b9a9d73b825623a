/** Records of a test file: typed by a schema, as JSON would be, and compared as JSON. */
import { rowFromJson, setOwn, toJson } from '../convert/index.ts'
import { hasLongNumber } from '../convert/long-number.ts'
import { LongNumber } from '../convert/print-json.ts'
import type { Json, Row } from '../record/index.ts'
import type { RecordType } from '../schema/index.ts'
import { pathText, type Report } from '../spec/finding.ts'
import { suggest } from '../spec/suggest.ts'
import { nodeAt, type SpecNode } from '../spec/tree.ts'

/** A record in its JSON form, without fields that are null. */
export type Plain = Readonly<Record<string, Json>>

/** A node as what JSON text of the same value reads as: no number is rounded. */
export function jsonValue(node: SpecNode): unknown {
  if (node.kind === 'list') return node.items.map(jsonValue)
  if (node.kind === 'map') {
    const made: Row = {}
    for (const { key, value } of node.entries) setOwn(made, key, jsonValue(value))
    return made
  }
  const { value, text, style } = node
  const isLong = style === 'plain' && typeof value === 'number' && hasLongNumber(text) && /^-?\d+\.\d+$/.test(text)
  return isLong ? new LongNumber(text) : value
}

/** The record that a map stands for; undefined if it does not fit the type, which is then in the report. */
export function rowOf(node: SpecNode, type: RecordType, path: string, report: Report): Row | undefined {
  if (node.kind !== 'map') {
    report('wrong_type', node.place, path, 'a record must be a map of fields', { expected: 'a map' })
    return undefined
  }
  const row = rowFromJson(type, type.open ? 'keep' : 'error')(jsonValue(node) as Row)
  if (!Array.isArray(row)) return row
  for (const { code, field, message } of row) {
    const parts = field.split(/[.[\]]+/).filter((part) => part !== '')
    const at = nodeAt(node, parts)
    const fieldPath = pathText(path, parts)
    if (code === 'unknown_field')
      report('unknown_key', at.key?.keyPlace ?? node.place, fieldPath, `the schema has no field \`${field}\``, {
        hint: suggest(field, Object.keys(type.fields)),
      })
    else if (code === 'missing_value') report('missing_key', at.node.place, fieldPath, `${field} ${message}`)
    else report('wrong_type', at.node.place, fieldPath, `${field}: ${message}`)
  }
  return undefined
}

/** The fields of a row in their JSON form, in the order of the type, without those that are null. */
export function plainRow(row: Row, type: RecordType): Plain {
  const made: Record<string, Json> = {}
  for (const name of [
    ...Object.keys(type.fields),
    ...Object.keys(row).filter((each) => !Object.hasOwn(type.fields, each)),
  ]) {
    const value = row[name] ?? null
    const field = Object.hasOwn(type.fields, name) ? type.fields[name] : undefined
    if (value !== null) setOwn(made, name, field ? toJson(field.type)(value) : value)
  }
  return made
}

/** The same of what a sink has taken; of a dead letter, the text of the record instead of its bytes. */
export function plainOf(row: Row, type: RecordType, isLetters: boolean): Plain {
  const plain = plainRow(row, type)
  if (!isLetters) return plain
  const { bytes, spec_hash: _, ...rest } = plain
  return { ...rest, raw: Buffer.from(String(bytes), 'base64').toString() }
}
