/** Parses the option `path`: its root, its folders and the file's name, with their fields. */
import { withoutCompression } from '@millrace/formats'

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

/** All files below the static part of the path, as a source reads them: fields of records may follow it. */
export const readPath = (path: string): string =>
  path.includes('{') ? `${path.slice(0, path.indexOf('{')).replace(/[^/]*$/, '')}**/*` : path

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
