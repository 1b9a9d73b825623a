/**
 * The ids of a request's records in one header, so that records keep them over HTTP however they are grouped into
 * requests: the JSON list `[prefix, [rest, ...]]`, deflated, in base64url. `prefix` is common to all ids; JSON
 * preserves any Unicode, even unpaired surrogates. Ids by position cost 1 to 4 bytes per record, random ones about 24.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { DataError } from '@millrace/core'

/** The header, and the maximum length of its value: servers accept 8 KiB of headers or more. */
export const idsHeader = 'Millrace-Ids'
export const idsHeaderBytes = 4096

/**
 * The maximum length of an id, in UTF-16 units: otherwise a few bytes of header could expand to any number of
 * megabytes.
 */
const longestId = 4096

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Ids as a common prefix and a suffix for each; see `Records.idParts`. */
export interface IdParts {
  readonly common: string
  readonly rests: readonly (string | number)[]
}

/** The list as JSON: the same text for the same ids, however they are split into prefix and rest. */
export function idsText({ common, rests }: IdParts): string {
  const texts = rests.map(String)
  const [first = ''] = texts
  let shared = first.length
  for (const text of texts) {
    if (text.length < shared) shared = text.length
    for (let i = 0; i < shared; i++) if (text.charCodeAt(i) !== first.charCodeAt(i)) shared = i
  }
  return JSON.stringify([
    common + first.slice(0, shared),
    shared === 0 ? texts : texts.map((text) => text.slice(shared)),
  ])
}

/** The header's value; undefined: it would be too long. `text`: the result of `idsText`. */
export function encodeIds(ids: readonly string[] | IdParts, text?: string): string | undefined {
  const { common, rests } = 'common' in ids ? ids : { common: '', rests: ids }
  for (const rest of rests) {
    const length = common.length + (typeof rest === 'number' ? 1 : rest.length)
    if (length === 0 || length > longestId) return undefined
  }
  const value = deflateRawSync(text ?? idsText({ common, rests }), fast).toString('base64url')
  return value.length <= idsHeaderBytes ? value : undefined
}

/** A third of the time, for a header that is 5 % longer. */
const fast = { level: 1, memLevel: 6, windowBits: 12 }

/** The ids in a header's value. Throws `DataError` `bad_ids` if it was not made by `encodeIds` from `count` ids. */
export function decodeIds(value: string, count: number): string[] {
  const { prefix, rests } = parse(value)
  if (rests.length !== count)
    throw new DataError('bad_ids', `${idsHeader} has ${rests.length} ids for ${count} records`)
  return rests.map((rest) => {
    const length = prefix.length + rest.length
    if (length === 0 || length > longestId)
      throw new DataError('bad_ids', `${idsHeader} has an id of ${length} characters: 1 to ${longestId} are allowed`)
    return prefix + rest
  })
}

function parse(value: string): { prefix: string; rests: readonly string[] } {
  if (value.length > idsHeaderBytes)
    throw new DataError('bad_ids', `${idsHeader} has ${value.length} bytes, more than ${idsHeaderBytes}`)
  let found: unknown
  try {
    found = JSON.parse(utf8.decode(inflateRawSync(Buffer.from(value, 'base64url'))))
  } catch {
    throw new DataError('bad_ids', `${idsHeader} is not deflated JSON in base64url`)
  }
  const [prefix, rests] = Array.isArray(found) && found.length === 2 ? (found as unknown[]) : []
  if (typeof prefix !== 'string' || !Array.isArray(rests) || !rests.every((rest) => typeof rest === 'string'))
    throw new DataError('bad_ids', `${idsHeader} is not a list of a common prefix and the rest of each id`)
  return { prefix, rests }
}
