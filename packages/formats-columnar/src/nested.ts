/**
 * Lists, structs and maps of typed file formats. Their raw values: a list is an array, a struct an array of its members
 * in order, a map an array of entries, each `[key, value]`.
 */
import { DataError, setOwn, type Type } from '@millrace/core'
import type { FileColumn } from './file-column.ts'
import { readPart } from './stored.ts'

type Raw = readonly unknown[]

/** A list of `item`. */
export function listColumn(name: string, item: FileColumn, isItemOptional = true): FileColumn {
  return {
    name,
    natural: item.natural && { kind: 'list', of: { type: item.natural, optional: isItemOptional } },
    told: `a list of ${item.told}`,
    item,
    read: (raw) => Array.from(raw as Raw, (value) => readPart(item, value)),
  }
}

/** A struct. One with a member that cannot be read has no natural type; its other members can be read by name. */
export function structColumn(name: string, members: readonly FileColumn[]): FileColumn {
  const twice = members.find((member, k) => members.findIndex((other) => other.name === member.name) < k)
  if (twice) return unreadable(name, `a struct with two members named ${twice.name}`)
  const known = members.flatMap((member, k) => (member.natural ? [{ member, k }] : []))
  const type: Type = {
    kind: 'object',
    record: {
      fields: Object.fromEntries(known.map(({ member }) => [member.name, { type: member.natural!, optional: true }])),
    },
  }
  const unknown = members.find((member) => !member.natural)
  return {
    name,
    natural: unknown || members.length === 0 ? undefined : type,
    shown: type,
    told: unknown ? `a struct whose member ${unknown.name} is ${unknown.told}` : 'a struct',
    fields: members,
    read: (raw) => Object.fromEntries(known.map(({ member, k }) => [member.name, readPart(member, (raw as Raw)[k])])),
  }
}

/** A map: if its keys are no texts, a list of its entries. */
export function mapColumn(name: string, key: FileColumn, value: FileColumn): FileColumn {
  const entry = structColumn('entry', [
    { ...key, name: 'key' },
    { ...value, name: 'value' },
  ])
  const told = `a map of ${key.told} to ${value.told}`
  const entries = { ...listColumn(name, entry, false), told }
  if (key.natural?.kind !== 'string' || !value.natural) return entries
  const mapOf = (raw: unknown, read: (raw: unknown, key: string) => unknown) => {
    const made: Record<string, unknown> = {}
    for (const [rawKey, part] of raw as readonly Raw[]) {
      const text = readPart(key, rawKey)
      if (typeof text !== 'string') throw new DataError('missing_value', 'is a map with a null key')
      if (Object.hasOwn(made, text))
        throw new DataError('duplicate_key', `is a map with the key ${JSON.stringify(text)} twice`)
      setOwn(made, text, read(part, text))
    }
    return made
  }
  return {
    ...entries,
    natural: { kind: 'map', of: { type: value.natural, optional: true } },
    mapped: value,
    mapOf,
    read: (raw) => mapOf(raw, (part) => readPart(value, part)),
  }
}

/** A column that cannot be read. */
export const unreadable = (name: string, told: string): FileColumn => ({
  name,
  natural: undefined,
  told,
  read: (raw) => raw,
})
