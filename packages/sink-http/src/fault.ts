/** What an answer means for the records of a request, and why one of them was not accepted. */
import type { Row, WriteFailure } from '@millrace/core'
import type { Answer } from '@millrace/client-http'

/** Why a record was not accepted. */
export type Fault = Pick<WriteFailure, 'code' | 'message' | 'field' | 'waitMs'>

/** Faults by the index of the record in the request. */
export type Faults = ReadonlyMap<number, Fault>

/** What an answer means for the records of its request. */
export type Verdict =
  | { readonly kind: 'taken' }
  /** Some have failed, some have to be sent again, the outcome of some is unknown, the others were accepted. */
  | { readonly kind: 'told'; readonly faults: Faults; readonly later: Faults; readonly untold: readonly number[] }
  /** Nothing was accepted, because of these. */
  | { readonly kind: 'refused'; readonly faults: Faults }
  /** Nothing was accepted, because of one of them, or because they are too many. */
  | { readonly kind: 'refused_unnamed'; readonly fault: Fault }
  /** It may be accepted later; `rest`: the rest of the write is not accepted now either. */
  | { readonly kind: 'later'; readonly fault: Fault; readonly rest: boolean }
  /** No request like this will ever be accepted. */
  | { readonly kind: 'wrong'; readonly error: Error }

/** The meaning of an answer from `where` to a request with these records. */
export type Judge = (answer: Answer, rows: readonly Row[], where: string) => Verdict

/** What a server says about a record: its own code and message, if it has them. */
export function faultOf(
  said: { readonly code?: unknown; readonly message?: unknown; readonly field?: unknown },
  or: { readonly code: string; readonly message: string },
  where: string,
): Fault {
  const { code, message, field } = said
  return {
    code: typeof code === 'string' && /^[\w.-]{1,64}$/.test(code) ? code : or.code,
    message: `${where}: ${typeof message === 'string' && message !== '' ? message.slice(0, 500) : or.message}`,
    field: typeof field === 'string' && field !== '' ? field : undefined,
  }
}
