/**
 * The ids of a request's records as one header, so that records keep them over HTTP however requests are cut: the JSON
 * list `[prefix, [rest, ...]]`, deflated and in base64url. `prefix` is what all ids begin with; JSON keeps any Unicode,
 * halves of surrogate pairs too. Ids by position cost 1 to 4 bytes a record, random ones about 24.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { DataError } from '@millrace/core'

/** The header, and how long its value may get: servers take 8 KiB of headers or more. */
export const idsHeader = 'Millrace-Ids'
export const idsHeaderBytes = 4096

/** No id may be longer, in UTF-16 units: a few bytes of header could stand for any number of megabytes. */
const longestId = 4096

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Ids as what all begin with and what follows in each; see `Records.idParts`. */
export interface IdParts {
  readonly common: string
  readonly rests: readonly (string | number)[]
}

/** The list as JSON: the same text for the same ids, in whatever parts they are given. */
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

/** The header's value; undefined: it would be too long. `text`: what `idsText` makes of the ids. */
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

/** The ids in a header's value. Throws `DataError` `bad_ids` where it is not made by `encodeIds` of `count` ids. */
export function decodeIds(value: string, count: number): string[] {
  const { prefix, rests } = parse(value)
  if (rests.length !== count)
    throw new DataError('bad_ids', `${idsHeader} holds ${rests.length} ids for ${count} records`)
  return rests.map((rest) => {
    const length = prefix.length + rest.length
    if (length === 0 || length > longestId)
      throw new DataError('bad_ids', `${idsHeader} holds an id of ${length} characters: 1 to ${longestId} are allowed`)
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
    throw new DataError('bad_ids', `${idsHeader} is not a list of a prefix and the rests of the ids`)
  return { prefix, rests }
}
