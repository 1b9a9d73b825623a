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

/** The header's value; undefined: it would be too long. */
export function encodeIds(ids: readonly string[]): string | undefined {
  let common = ids.length > 0 ? ids[0]!.length : 0
  for (const id of ids) {
    if (id.length === 0 || id.length > longestId) return undefined
    common = Math.min(common, id.length)
    for (let i = 0; i < common; i++) if (id.charCodeAt(i) !== ids[0]!.charCodeAt(i)) common = i
  }
  const text = JSON.stringify([ids[0]?.slice(0, common) ?? '', ids.map((id) => id.slice(common))])
  const value = deflateRawSync(text).toString('base64url')
  return value.length <= idsHeaderBytes ? value : undefined
}

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
