/**
 * What a gateway answers to a request that it does not accept, or only in part: the `error` in the body of the answer.
 */
import type { CatalogueEntry } from './entry.ts'

/** By code. */
export const answerEntries = {
  refused: {
    title: 'records refused',
    explanation: 'A record of the request breaks the schema or fails at a step. The whole request was refused.',
    hint: 'fix the records that the answer names and send the request again',
  },
  failed: {
    title: 'record failed',
    explanation:
      'The record was accepted, and then a stateful step or a sink failed on it. Its key is free again: send it corrected or unchanged.',
    hint: 'fix the record, or send it again once the system is back',
  },
  key_reused: {
    title: 'key used for another request',
    explanation:
      'A different body has already been accepted under this key: the Idempotency-Key of the request, or the id of a signed message.',
    hint: 'use a new key for each request',
  },
  keys_differ: {
    title: 'two keys in one request',
    explanation: 'The request has two Idempotency-Key headers with different values.',
    hint: 'send one; a proxy may have added the other',
  },
  key_too_long: {
    title: 'key too long',
    explanation: 'An Idempotency-Key has at most 255 bytes, since the gateway remembers a million of them.',
    hint: 'send a UUID, or a hash of what identifies the request',
  },
  too_many_items: {
    title: 'too many records in a request',
    explanation: 'The request has more records than `max_items` of the gateway.',
    hint: 'send several requests, or raise `max_items`',
  },
  key_missing: {
    title: 'request without a key',
    explanation: 'The gateway requires an Idempotency-Key or record ids, and this request has neither.',
    hint: 'send an Idempotency-Key, and the same one when you repeat the request',
  },
  empty: {
    title: 'no records',
    explanation: 'The body of the request has no records.',
    hint: 'send at least one record',
  },
  bad_body: {
    title: 'body cannot be decompressed',
    explanation: 'The body is not compressed as `content-encoding` says.',
    hint: 'set `content-encoding` to the actual compression, or remove the header',
  },
  bad_request: {
    title: 'request cannot be read',
    explanation: 'The request is not well-formed HTTP.',
    hint: 'check the client: method, path, headers and length',
  },
  request_timeout: {
    title: 'request not complete in time',
    explanation: 'The headers did not arrive within 15 seconds, or the whole request within 30.',
    hint: 'send it again; split a request that takes longer into several',
  },
  headers_too_large: {
    title: 'headers too large',
    explanation: 'The headers of a request are limited to 16 KiB.',
    hint: 'move large values into the body',
  },
  unsupported_type: {
    title: 'unsupported content type',
    explanation: 'The content type is neither application/json nor application/x-ndjson.',
    hint: 'set `content-type` to application/json or application/x-ndjson',
  },
  unsupported_encoding: {
    title: 'unsupported content encoding',
    explanation: 'The body is compressed with something other than gzip, deflate or br.',
    hint: 'compress with gzip, deflate or br, or not at all',
  },
  method_not_allowed: {
    title: 'method not allowed',
    explanation: 'The path accepts a different method.',
    hint: 'use the method that the source declares',
  },
} as const satisfies Record<string, CatalogueEntry>
