/**
 * Values for keeping, beyond the batch they came with. V8 makes a substring of 13 characters or more by pointing into
 * the text it was cut from, and bytes are often a view of the chunk they were read from: either would keep a whole
 * piece of a file in memory.
 */

/** A text with a parent of its own length. */
export const flat = (text: string): string => (text.length < 13 ? text : `${text} `.slice(0, -1))

/** A value that keeps nothing else in memory. (`slice` of a Buffer is a view.) */
export const cutLoose = (value: unknown): unknown =>
  typeof value === 'string' ? flat(value) : value instanceof Uint8Array ? new Uint8Array(value) : value
