/**
 * Codes for the statuses of HTTP servers: about one record, or about the address, the credentials and the state of the
 * server.
 */
import type { CatalogueEntry } from './entry.ts'

/** A server's answer about one record. */
export const httpRecordEntries: Readonly<Record<string, CatalogueEntry>> = {
  http_207: {
    title: 'outcome of a record is unknown',
    explanation: 'A server answered 207 without saying what happened to the record.',
    hint: 'ask its operators for a status per item, or send one record per request',
  },
  ...Object.fromEntries(
    [400, 402, 409, 412, 414, 416, 417, 418, 422, 423, 424, 428, 451].map((status) => [
      `http_${status}`,
      {
        title: `record refused with ${status}`,
        explanation: `A server answered a record with the status ${status}.`,
        hint: 'read the answer: the server says what is wrong with the record',
      },
    ]),
  ),
}

/** A server's answer about everything that is sent to it. */
export const httpRunEntries: Readonly<Record<string, CatalogueEntry>> = {
  ...Object.fromEntries(
    [300, 301, 302, 303, 304, 305, 307, 308].map((status) => [
      `http_${status}`,
      {
        title: `server redirects with ${status}`,
        explanation:
          'Redirects are followed only where `redirects` allows it, and with records only those that repeat the request: 307 and 308.',
        hint: 'set `url` to the target of the redirect',
      },
    ]),
  ),
  ...Object.fromEntries(
    [404, 405, 406, 410, 411, 415, 421, 426, 431].map((status) => [
      `http_${status}`,
      {
        title: `address answers ${status}`,
        explanation:
          'The server would give this answer to any record: the address, the method or the headers are wrong.',
        hint: 'check `url`, `method`, `body` and `headers`',
      },
    ]),
  ),
  ...Object.fromEntries(
    [408, 425, 429, 500, 501, 502, 503, 504, 507, 508].map((status) => [
      `http_${status}`,
      {
        title: `server answers ${status}`,
        explanation:
          'The server is temporarily unavailable. Records are written again with increasing pauses, then the run stops.',
        hint: 'check that the server is healthy and that `concurrency` is not too high for it',
      },
    ]),
  ),
}
