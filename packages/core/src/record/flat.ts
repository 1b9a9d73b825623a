/**
 * Values that outlive their batch. V8 implements a substring of 13 characters or more as a pointer into the original
 * text, and bytes are often a view of the chunk they were read from: either would keep a whole piece of a file in
 * memory.
 */

/** A copy of a text that shares no memory with another one. */
export const flat = (text: string): string => (text.length < 13 ? text : `${text} `.slice(0, -1))

/** A value that keeps nothing else alive. (`slice` of a Buffer is a view.) */
export const cutLoose = (value: unknown): unknown =>
  typeof value === 'string' ? flat(value) : value instanceof Uint8Array ? new Uint8Array(value) : value
