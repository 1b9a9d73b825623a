/** Statuses of HTTP servers as codes: of one record, or of the address, the credentials and the state of the server. */
import type { CatalogueEntry } from './entry.ts'

/** A server's word on one record. */
export const httpRecordEntries: Readonly<Record<string, CatalogueEntry>> = {
  http_207: {
    title: 'outcome of a record is unknown',
    explanation: 'A server answered 207 without saying what happened to the record.',
    hint: 'ask its authors for a status per item, or send one record a request',
  },
  ...Object.fromEntries(
    [400, 402, 409, 412, 414, 416, 417, 418, 422, 423, 424, 428, 451].map((status) => [
      `http_${status}`,
      {
        title: `record refused with ${status}`,
        explanation: `A server answered a record with the status ${status}.`,
        hint: 'read the answer: the server says what it minds about the record',
      },
    ]),
  ),
}

/** A server's word on all that is sent to it. */
export const httpRunEntries: Readonly<Record<string, CatalogueEntry>> = {
  ...Object.fromEntries(
    [300, 301, 302, 303, 304, 305, 307, 308].map((status) => [
      `http_${status}`,
      {
        title: `server redirects with ${status}`,
        explanation: 'Records are not sent after a redirect, which may lead to a place that was not meant.',
        hint: 'set `url` to where it leads',
      },
    ]),
  ),
  ...Object.fromEntries(
    [404, 405, 406, 410, 411, 415, 421, 426, 431].map((status) => [
      `http_${status}`,
      {
        title: `address answers ${status}`,
        explanation: 'The server answers so whatever the record: the address, the method or the headers are wrong.',
        hint: 'check `url`, `method`, `body` and `headers`',
      },
    ]),
  ),
  ...Object.fromEntries(
    [408, 425, 429, 500, 501, 502, 503, 504, 507, 508].map((status) => [
      `http_${status}`,
      {
        title: `server answers ${status}`,
        explanation: 'The server cannot serve now. Records are written again with growing pauses, then the run stops.',
        hint: 'is the server healthy, and `concurrency` what it can take?',
      },
    ]),
  ),
}
