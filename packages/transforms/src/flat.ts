/**
 * A text for keeping. V8 makes a substring of 13 characters or more by pointing into the text it was cut from, so a short
 * key would keep a whole chunk of a file in memory. Joining and cutting once more leaves it with a parent of its own length.
 */
export const flat = (text: string): string => (text.length < 13 ? text : `${text} `.slice(0, -1))

/** A value for keeping. Bytes are often a view of the chunk they were read from. */
export const cutLoose = (value: unknown): unknown =>
  typeof value === 'string' ? flat(value) : value instanceof Uint8Array ? value.slice() : value
