/** The identity of a request and its records: the client's key, and ids that the records arrived with. */
import type { IncomingMessage } from 'node:http'
import { type DataError, recordId } from '@millrace/core'
import { decodeIds, idsHeader } from '@millrace/kinds'
import { type Reply, refusal } from './reply.ts'

/** The parts of a request that identify it. */
export type Headers = Pick<IncomingMessage, 'headers' | 'headersDistinct'>

/** The longest `Idempotency-Key`, bytes: a million of them are remembered. */
export const longestKey = 255

/** The `Idempotency-Key`; a reply if there are two different ones. */
export function keyOf(request: Headers): string | undefined | Reply {
  const given = request.headers['idempotency-key']
  if (typeof given !== 'string' || given === '') return undefined
  // Repeated headers arrive joined.
  if (!given.includes(', ')) return given
  const [key, ...others] = new Set(request.headersDistinct['idempotency-key'])
  return others.length === 0 ? key : refusal(400, 'keys_differ', 'the request has two different Idempotency-Keys')
}

/** The ids of its `count` records in the order of the items; a reply if the header is not well-formed. */
export function idsOf({ headers }: Headers, count: number): readonly string[] | undefined | Reply {
  const given = headers[idsHeader.toLowerCase()]
  if (given === undefined) return undefined
  try {
    return decodeIds(String(given), count)
  } catch (error) {
    if ((error as Error).name !== 'DataError') throw error
    return refusal(400, (error as DataError).code, (error as Error).message)
  }
}

/**
 * The id of an item, if the sender gives one: a key belongs to the route that received it, since two gateways may get
 * the same. Absent: there is none, and the request is identified by a random split.
 */
export function itemId(
  { pipeline, id }: { readonly pipeline: string; readonly id: string },
  request: {
    readonly key: string | undefined
    readonly ids: readonly string[] | undefined
    readonly decoded: { readonly list: boolean }
  },
): ((item: number) => string) | undefined {
  const { key, ids, decoded } = request
  if (ids) return (item) => ids[item]!
  if (key === undefined) return undefined
  const own = recordId(pipeline, id, key)
  return decoded.list ? (item) => `${own}/${item}` : () => own
}
