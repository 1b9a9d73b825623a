/**
 * Folders `key={field}`: partitions as in Hive, with Hive's names, so that DuckDB, Polars, pyarrow and Spark read the
 * value back. Null is `__HIVE_DEFAULT_PARTITION__`, fewer characters are encoded than in other folders, and values that
 * would be read as null, or have no name, are refused. A field whose value is the folder's is left out of the files.
 */
import { DataError, type Problem, type RecordType } from '@millrace/core'
import type { PathPart, PathTemplate } from './path.ts'

/** A folder `key={field}`. */
export interface HiveFolder {
  readonly key: string
  readonly field: string
  readonly pattern?: string
}

/** Undefined: it is not such a folder. */
export function hiveFolder([before, part, ...more]: readonly PathPart[]): HiveFolder | undefined {
  if (typeof before !== 'string' || !before.endsWith('=') || part === undefined || typeof part === 'string')
    return undefined
  const key = before.slice(0, -1)
  return more.length === 0 && key !== '' && !key.includes('=') ? { key, ...part } : undefined
}

const hiveFolders = (template: PathTemplate): HiveFolder[] =>
  template.folders.flatMap((parts) => hiveFolder(parts) ?? [])

/** The type of what is written into files: without the fields that Hive's folders hold, unless `keep`. */
export function storedType(template: PathTemplate, record: RecordType, keep: boolean): RecordType {
  // Open records are written with all their fields.
  if (keep || record.open) return record
  const held = hiveFolders(template).filter(({ key, field, pattern }) => key === field && pattern === undefined)
  const fields = Object.entries(record.fields).filter(([name]) => !held.some(({ field }) => field === name))
  return { ...record, fields: Object.fromEntries(fields) }
}

/** Folders that readers would take for a field with other values. */
export function hiveProblems(template: PathTemplate, record: RecordType): Problem[] {
  const folders = hiveFolders(template)
  return folders.flatMap(({ key, field, pattern }, i): Problem[] => {
    const isOther = Object.hasOwn(record.fields, key) && (key !== field || pattern !== undefined)
    const isTwice = folders.findIndex((folder) => folder.key === key) < i
    if (!isOther && !isTwice) return []
    return [
      {
        code: 'bad_value',
        at: ['path'],
        message: isTwice
          ? `two folders of the path are called ${key}=`
          : `the folder ${key}= is read as the field ${key}, which has different values in the records`,
        hint: 'give the folder another name',
      },
    ]
  })
}

/** What Hive calls null. */
export const hiveNull = '__HIVE_DEFAULT_PARTITION__'

const special = new Set('"#%\'*/:=?\\{[]^')

/** A value as the name of a folder after `key=`, as Hive's `FileUtils.escapePathName` writes it. */
export function encodeHive(text: string, { key, field }: HiveFolder): string {
  if (text === '' || text === hiveNull)
    throw new DataError(
      'reads_as_null',
      `${JSON.stringify(text)} means null in the name of a folder ${key}=: use another text`,
      field,
    )
  if (!text.isWellFormed())
    throw new DataError('bad_text', 'the text has an unpaired surrogate, which is not a character', field)
  let name = ''
  for (const character of text) {
    const code = character.codePointAt(0)!
    name += code < 32 || code === 127 || special.has(character) ? percent(character, code) : character
  }
  if (Buffer.byteLength(`${key}=${name}`) <= mostName) return name
  throw new DataError('out_of_range', `the text is too long for the name of a folder ${key}=`, field)
}

/** Maximum bytes of a name on today's file systems. */
const mostName = 255

/** A character as its bytes in UTF-8, `%2F`; half a pair as `%uD83D`. */
export const percent = (character: string, code: number): string =>
  code >= 0xd800 && code <= 0xdfff
    ? `%u${code.toString(16).toUpperCase()}`
    : [...Buffer.from(character)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('')
