/**
 * Encodes records as requests.
 *
 * The identity of a request is derived from its records alone, since after a crash records are grouped differently: for
 * one record, its id is the `Idempotency-Key`; for several, the key is a hash of all their ids, and the ids themselves
 * are in `Millrace-Ids`, so that a Millrace gateway recognises each record in any request.
 *
 * Decision: docs/decisions/20261130-requests-known-by-their-records.md
 */
import { hash } from 'node:crypto'
import type { RecordType, Row } from '@millrace/core'
import { compileEachEncoder, OutputBytes } from '@millrace/formats'
import type { Call } from '@millrace/client-http'
import { encodeIds, type IdParts, idsHeader, idsHeaderBytes, idsText } from '@millrace/kinds'
import type { Options } from './options.ts'
import type { Fault } from './fault.ts'

/** A request, or nothing if none of the records can be encoded. */
export interface Request {
  readonly call: Call | undefined
  /** Indexes of its records in the list that it was made from, ascending, and of those that cannot be encoded. */
  readonly carried: readonly number[]
  readonly refused: readonly (Fault & { readonly place: number })[]
  /** How many records of the list it covers, including those that cannot be encoded. */
  readonly through: number
}

/**
 * A request ends when its body has this many bytes: the usual limit of servers, which also limits how many large
 * records are in memory.
 */
const bodyBytes = 1024 * 1024

/** Makes the function that makes a request from the first of these rows and their ids. */
export function requestMaker(
  url: URL,
  o: Options,
  schema: RecordType,
): (rows: readonly Row[], ids: IdParts) => Request {
  const several = o.body !== 'object'
  const encode = compileEachEncoder(schema, {
    nulls: o.nulls,
    ...(o.body === 'json_lines' ? { after: '\n' } : o.body === 'array' ? { before: ',' } : {}),
  })
  const type = ['content-type', o.body === 'json_lines' ? 'application/x-ndjson' : 'application/json']
  const out = new OutputBytes(64 * 1024)
  /** The maximum number of records in a request, so that the header has room for their ids. */
  let most = several ? o.batch : 1

  const make = (rows: readonly Row[], ids: IdParts): Request => {
    out.clear()
    const carried: number[] = []
    const refused: (Fault & { readonly place: number })[] = []
    const { taken: through, refused: failed = [] } = encode(
      most >= rows.length ? rows : rows.slice(0, most),
      out,
      bodyBytes,
    )
    const at = new Map(failed.map(({ index, ...fault }) => [index, fault]))
    for (let place = 0; place < through; place++) {
      const fault = at.get(place)
      if (!fault) carried.push(place)
      else refused.push({ place, ...fault })
    }
    const named = { common: ids.common, rests: carried.map((place) => ids.rests[place]!) }
    const list = several ? idsText(named) : ''
    const header = several && o.ids ? encodeIds(named, list) : undefined
    if (several && o.ids && header === undefined && carried.length > 1) {
      most = carried.length >> 1
      return make(rows, ids)
    }
    if (header !== undefined && header.length < idsHeaderBytes / 2) most = Math.min(o.batch, most * 2)
    const identity = several ? ofSeveral(list, header) : ofOne(`${ids.common}${ids.rests[0]!}`)
    return { call: carried.length === 0 ? undefined : whole(identity), carried, refused, through }
  }
  const whole = (identity: readonly string[]): Call => {
    if (o.body === 'array') {
      out.buffer[0] = 0x5b
      out.text(']')
    }
    return { method: o.method, url, headers: [...type, ...identity], body: Buffer.from(out.seen()) }
  }
  return make
}

/** Whether a text can be a header's value unchanged. */
const isPlain = (text: string): boolean => text.length <= 512 && /^[!-~](?:[ -~]*[!-~])?$/.test(text)

/** The headers that identify the records. */
const ofSeveral = (list: string, header: string | undefined): string[] => [
  'idempotency-key',
  hash('sha256', list, 'base64url'),
  ...(header === undefined ? [] : [idsHeader.toLowerCase(), header]),
]
const ofOne = (id: string): string[] => {
  if (isPlain(id)) return ['idempotency-key', id]
  const ids = { common: id, rests: [''] }
  return ofSeveral(idsText(ids), encodeIds(ids))
}
