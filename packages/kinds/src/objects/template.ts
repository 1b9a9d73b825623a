/**
 * The option `path`: a folder or a file, whose parts may contain fields of the records,
 * `out/{Country}/{date:yyyy-MM-dd}` or `out/{Country}.jsonl`.
 *
 * Everything up to the first part with a field is the root, below which all files stay. A last part with the extension
 * of a format is the name of a file; anything else is a folder. A value becomes part of a name by encoding everything
 * that could make it a path, a hidden file or a name that some system refuses, so that two values never share a name:
 * bytes as `%2F`, null as `__null__`, the empty text as `__empty__`.
 */
import { createHash } from 'node:crypto'
import {
  checkDateFormat,
  compileDateFormatter,
  compileReformat,
  type Problem,
  type RecordType,
  type Row,
  toText,
  type Type,
} from '@millrace/core'
import { compressionOf, withoutCompression } from '@millrace/formats'

/** Text and fields of one part of the path, in order. */
export type PathPart = string | { readonly field: string; readonly pattern?: string }

/** The parsed option `path`. */
export interface PathTemplate {
  /** The folder before the first field, as written. */
  readonly root: string
  /** The folders below the root. */
  readonly folders: readonly (readonly PathPart[])[]
  /** The file's name without its extensions; undefined: the path is a folder. */
  readonly name: readonly PathPart[] | undefined
  /** The extensions of the file's name, `.csv.gz`; empty for a folder. */
  readonly ending: string
}

/** Whether the path has fields. */
export const isPartitioned = (template: PathTemplate): boolean =>
  template.folders.length > 0 || (template.name?.some((part) => typeof part !== 'string') ?? false)

/**
 * Parses the option; a text says what is wrong with it. `isFormat`: whether a name, without the extension of its
 * compression, indicates its format.
 */
export function parseTemplate(path: string, isFormat: (name: string) => boolean): PathTemplate | string {
  const trimmed = path.replace(/\/+$/, '')
  if (trimmed === '')
    return path.startsWith('/') ? 'files cannot be written to the root of the disk' : 'the path is empty'
  const segments: PathPart[][] = []
  for (const segment of trimmed.split(/\/+(?![^{]*\})/)) {
    const parts = partsOf(segment)
    if (typeof parts === 'string') return parts
    segments.push(parts)
  }
  const last = trimmed.slice(trimmed.lastIndexOf('/') + 1)
  const isFile = trimmed === path && isFormat(withoutCompression(last)) && !last.endsWith('}')
  const dynamic = segments.findIndex((parts) => parts.some((part) => typeof part !== 'string'))
  const folderEnd = isFile ? segments.length - 1 : segments.length
  const rootEnd = dynamic < 0 ? folderEnd : Math.min(dynamic, folderEnd)
  const root = segments
    .slice(0, rootEnd)
    .map((parts) => parts.join(''))
    .join('/')
  const folders = segments.slice(rootEnd, folderEnd)
  if (!isFile) return { root: rooted(root, path), folders, name: undefined, ending: '' }
  const bare = withoutCompression(last)
  const ending = last.slice(bare.lastIndexOf('.'))
  const name = partsOf(last.slice(0, -ending.length)) as PathPart[]
  if (name.length === 0) return `the file ${last} has no name before its extension`
  return { root: rooted(root, path), folders, name, ending }
}

const rooted = (root: string, path: string): string => (root !== '' ? root : path.startsWith('/') ? '/' : '.')

function partsOf(segment: string): PathPart[] | string {
  const parts: PathPart[] = []
  let at = 0
  for (const { index, 0: found, 1: inside } of segment.matchAll(/\{([^{}]*)\}/g)) {
    if (index > at) parts.push(segment.slice(at, index))
    at = index + found.length
    const colon = inside!.indexOf(':')
    const field = (colon < 0 ? inside! : inside!.slice(0, colon)).trim()
    if (field === '') return `\`${found}\` does not name a field`
    parts.push(colon < 0 ? { field } : { field, pattern: inside!.slice(colon + 1).trim() })
  }
  if (at < segment.length) parts.push(segment.slice(at))
  if (parts.some((part) => typeof part === 'string' && /[{}]/.test(part))) return `an unmatched brace in \`${segment}\``
  return parts
}

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
  'timestamp',
]

/** The problem of a date pattern in the path. */
export function patternProblems(template: PathTemplate): string[] {
  return fieldsOf(template).flatMap(({ pattern }) =>
    pattern === undefined ? [] : (checkDateFormat(pattern, 'print') ?? []),
  )
}

/** The problems of the fields in the path for records of this type. */
export function fieldProblems(template: PathTemplate, record: RecordType): Problem[] {
  return fieldsOf(template).flatMap(({ field, pattern }): Problem[] => {
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

const percent = (character: string, code: number): string =>
  code >= 0xd800 && code <= 0xdfff
    ? `%u${code.toString(16).toUpperCase()}`
    : [...Buffer.from(character)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('')

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
): { keyOf(row: Row): string; placeOf(key: string): FilePlace } {
  const folders = template.folders.map((parts) => namer(parts, record))
  const name = template.name && namer(template.name, record)
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
function namer(parts: readonly PathPart[], record: RecordType): (row: Row) => string {
  const makers = parts.map((part) => {
    if (typeof part === 'string') return () => part
    const text = texter(record.fields[part.field]!.type, part.pattern)
    let last: unknown
    let made = '__null__'
    return (row: Row): string => {
      const value = row[part.field] ?? undefined
      if (value === last) return made
      made = value === undefined ? '__null__' : encodeName(text(value))
      last = value
      return made
    }
  })
  return makers.length === 1 ? makers[0]! : (row) => makers.map((make) => make(row)).join('')
}

function texter(type: Type, pattern: string | undefined): (value: unknown) => string {
  if (pattern === undefined) return toText(type)
  if (type.kind === 'timestamp') return compileDateFormatter(pattern, 'UTC') as (value: unknown) => string
  const reformat = compileReformat(['yyyy-MM-dd'], 'UTC', pattern)
  return (value) => reformat(value as string)!
}

/** The compression according to the file's name. */
export const compressionIn = (template: PathTemplate) => compressionOf(template.ending)
