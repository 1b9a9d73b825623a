/**
 * The option `path`: a folder or a file, whose parts may contain fields of the records,
 * `out/{Country}/{date:yyyy-MM-dd}` or `out/{Country}.jsonl`.
 *
 * Everything up to the first part with a field is the root, below which all files stay. A last part with the extension
 * of a format is the name of a file; anything else is a folder. A value becomes part of a name by encoding everything
 * that could make it a path, a hidden file or a name that some system refuses, so that two values never share a name:
 * bytes as `%2F`, null as `__null__`, the empty text as `__empty__`. Folders `key={field}` have other names: hive.ts.
 */
import { createHash } from 'node:crypto'
import {
  checkDateFormat,
  checkZone,
  compileDateFormatter,
  compileReformat,
  type Problem,
  type RecordType,
  type Row,
  toText,
  type Type,
} from '@millrace/core'
import { compressionOf } from '@millrace/formats'
import { encodeHive, hiveFolder, type HiveFolder, hiveNull, hiveProblems, percent } from './hive.ts'
import type { PathPart, PathTemplate } from './path.ts'

const fieldsOf = (template: PathTemplate) =>
  [...template.folders, template.name ?? []].flat().filter((part) => typeof part !== 'string')

const nameable: readonly Type['kind'][] = [
  'string',
  'boolean',
  'integer',
  'bigint',
  'number',
  'decimal',
  'date',
  'time',
  'timestamp',
  'fine_timestamp',
]

/** The problem of the zone of dates in the path. */
export const zoneProblems = (zone: string): Problem[] => {
  const message = checkZone(zone)
  return message === undefined ? [] : [{ code: 'unknown_zone', at: ['zone'], message }]
}

/** The problem of a date pattern in the path. */
export function patternProblems(template: PathTemplate): string[] {
  return fieldsOf(template).flatMap(({ pattern }) =>
    pattern === undefined ? [] : (checkDateFormat(pattern, 'print') ?? []),
  )
}

/** The problems of the fields in the path for records of this type. */
export function fieldProblems(template: PathTemplate, record: RecordType): Problem[] {
  const wrong = fieldsOf(template).flatMap(({ field, pattern }): Problem[] => {
    const found = Object.hasOwn(record.fields, field) ? record.fields[field] : undefined
    const at = ['path']
    if (!found)
      return [
        {
          code: 'unknown_field',
          at,
          message: `the path names the field ${field}, which the records do not have`,
          got: field,
        },
      ]
    const { kind } = found.type
    if (!nameable.includes(kind))
      return [
        { code: 'wrong_type', at, message: `${field} cannot be part of a path`, expected: 'a plain value', got: kind },
      ]
    if (pattern !== undefined && kind !== 'date' && kind !== 'timestamp')
      return [
        {
          code: 'wrong_type',
          at,
          message: `only dates have a pattern in a path: {${field}:${pattern}}`,
          expected: 'date or timestamp',
          got: kind,
          hint: `parse it first, or write {${field}}`,
        },
      ]
    return []
  })
  return wrong.length > 0 ? wrong : hiveProblems(template, record)
}

const longest = 120

/** A text as part of a file name. Different texts have different names. */
export function encodeName(text: string): string {
  if (text === '') return '__empty__'
  let name = ''
  for (const character of text) {
    const code = character.codePointAt(0)!
    // A name that begins with a dot is hidden or leads upwards; some systems drop a dot or blank at the end.
    const edge = name === '' ? character === '.' : false
    name += edge || isRisky(code) ? percent(character, code) : character
  }
  const last = name.at(-1)!
  if (last === '.' || last === ' ') name = name.slice(0, -1) + percent(last, last.charCodeAt(0))
  // The names for null and the empty text are reserved.
  if (name.startsWith('__')) name = `%5F${name.slice(1)}`
  if (Buffer.byteLength(name) <= longest) return name
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 32)
  return `${[...name]
    .slice(0, 20)
    .join('')
    .replace(/%[0-9A-F]?$/, '')}~${hash}`
}

/**
 * Control characters, separators, `%` itself, `~` of long names, braces of templates, characters with a special meaning
 * on some system, unpaired surrogates.
 */
const isRisky = (code: number): boolean =>
  code < 32 || (code >= 127 && code < 160) || (code >= 0xd800 && code <= 0xdfff) || risky.has(code)
const risky = new Set([...'/\\%~{}:*?"<>|'].map((character) => character.charCodeAt(0)))

/**
 * Where a record goes: the folder below the root (empty: the root), and the file's name without extension, empty for a
 * folder.
 */
export interface FilePlace {
  readonly folder: string
  readonly name: string
}

/** Makes the function that identifies the place of a record, with equal text for an equal place; and its inverse. */
export function placer(
  template: PathTemplate,
  record: RecordType,
  zone = 'UTC',
): { keyOf(row: Row): string; placeOf(key: string): FilePlace } {
  const folders = template.folders.map((parts) => namer(parts, record, zone, hiveFolder(parts)))
  const name = template.name && namer(template.name, record, zone)
  const makers = name ? [...folders, name] : folders
  return {
    keyOf(row) {
      let key = ''
      for (const make of makers) key += `${make(row)}/`
      return key
    },
    placeOf(key) {
      const made = key === '' ? [] : key.slice(0, -1).split('/')
      return { folder: made.slice(0, folders.length).join('/'), name: name ? made.at(-1)! : '' }
    },
  }
}

/** Makes one part of the path for a row. The last value of each field is cached, since adjacent rows often share it. */
function namer(parts: readonly PathPart[], record: RecordType, zone: string, hive?: HiveFolder): (row: Row) => string {
  const none = hive ? hiveNull : '__null__'
  const encode = hive ? (text: string) => encodeHive(text, hive) : encodeName
  const makers = parts.map((part) => {
    if (typeof part === 'string') return () => part
    const text = texter(record.fields[part.field]!.type, part.pattern, zone)
    let last: unknown
    let made = none
    return (row: Row): string => {
      const value = row[part.field] ?? undefined
      if (value === last) return made
      made = value === undefined ? none : encode(text(value))
      last = value
      return made
    }
  })
  return makers.length === 1 ? makers[0]! : (row) => makers.map((make) => make(row)).join('')
}

function texter(type: Type, pattern: string | undefined, zone: string): (value: unknown) => string {
  if (pattern === undefined) return toText(type)
  if (type.kind === 'timestamp') return compileDateFormatter(pattern, zone) as (value: unknown) => string
  const reformat = compileReformat(['yyyy-MM-dd'], 'UTC', pattern)
  return (value) => reformat(value as string)!
}

/** The compression according to the file's name. */
export const compressionIn = (template: PathTemplate) => compressionOf(template.ending)
