/** What a gateway answers to a request that it does not take, or not whole: the `error` of the answer's body. */
import type { CatalogueEntry } from './entry.ts'

/** By code. */
export const answerEntries = {
  refused: {
    title: 'records refused',
    explanation: 'A record of the request breaks the schema or fails at a step; nothing of the request was let in.',
    hint: 'mend the records that the answer names and send the request again',
  },
  failed: {
    title: 'record failed',
    explanation:
      'The record was let in, and then a step with memory or a sink could not take it. Nothing is kept under its key: mended or repeated, it is taken anew.',
    hint: 'mend the record, or send it again once the system is back',
  },
  key_reused: {
    title: 'key used for another request',
    explanation: 'The Idempotency-Key came with another body before.',
    hint: 'give each request a key of its own',
  },
  keys_differ: {
    title: 'two keys in one request',
    explanation: 'The request has two headers Idempotency-Key with different values.',
    hint: 'send one; a proxy may have added the other',
  },
  key_missing: {
    title: 'request without a key',
    explanation:
      'The gateway takes only requests that can be known again, and this one has neither an Idempotency-Key nor ids of its records.',
    hint: 'send an Idempotency-Key, the same when the request is repeated',
  },
  empty: {
    title: 'no records',
    explanation: 'The body of the request holds no record.',
    hint: 'send at least one record',
  },
  bad_body: {
    title: 'body cannot be unpacked',
    explanation: 'The body is not what its content-encoding says.',
    hint: 'send what `content-encoding` says, or leave the header out',
  },
  bad_request: {
    title: 'request cannot be read',
    explanation: 'The request is not well-formed HTTP.',
    hint: 'check the client: method, path, headers and length',
  },
  unsupported_type: {
    title: 'content type not taken',
    explanation: 'The body has another content type than application/json or application/x-ndjson.',
    hint: 'set `content-type` to application/json or application/x-ndjson',
  },
  unsupported_encoding: {
    title: 'content encoding not taken',
    explanation: 'The body is packed in another way than gzip, deflate or br.',
    hint: 'pack with gzip, deflate or br, or not at all',
  },
  method_not_allowed: {
    title: 'method not taken',
    explanation: 'The path takes requests of another method.',
    hint: 'use the method that the source names',
  },
} as const satisfies Record<string, CatalogueEntry>
