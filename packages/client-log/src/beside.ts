/** Keys and headers of a chunk as JSON text. */
import {
  type Headers,
  headersFromJson,
  headersJson,
  type Json,
  wireFromJson,
  wireJson,
  type WireText,
} from '@millrace/core'

/** Most keys are text, which JSON has as it is. */
export const keysText = (keys: readonly (WireText | null)[]): string =>
  JSON.stringify(keys.some((key) => key instanceof Uint8Array) ? keys.map((key) => key && wireJson(key)) : keys)

/** What `keysText` has made. */
export function keysFromText(text: string): readonly (WireText | null)[] {
  const keys = JSON.parse(text) as (Json | null)[]
  return text.includes('{"base64":') ? keys.map((key) => (key === null ? null : wireFromJson(key))) : (keys as string[])
}

/** Headers of each record. */
export const headersText = (headers: readonly (Headers | null)[]): string =>
  JSON.stringify(headers.map((each) => each && headersJson(each)))

/** What `headersText` has made. */
export const headersFromText = (text: string): readonly (Headers | null)[] =>
  (JSON.parse(text) as (Json | null)[]).map((each) => (each === null ? null : headersFromJson(each)))
