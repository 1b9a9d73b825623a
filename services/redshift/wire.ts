/** Messages of PostgreSQL's protocol, version 3: postgresql.org/docs/15/protocol-message-formats.html. */

/** A message with its type. */
export interface Message {
  readonly type: string
  /** As it travels, with type and length. */
  readonly bytes: Buffer
}

/** Cuts a stream of bytes into messages. */
export class Messages {
  private rest: Buffer = Buffer.alloc(0)

  /** Takes the first message of a connection, which has no type; undefined: it is not complete. */
  first(bytes: Buffer): Buffer | undefined {
    this.rest = Buffer.concat([this.rest, bytes])
    if (this.rest.length < 8) return undefined
    const length = this.rest.readUInt32BE(0)
    if (this.rest.length < length) return undefined
    const message = this.rest.subarray(0, length)
    this.rest = this.rest.subarray(length)
    return message
  }

  *add(bytes: Buffer): Generator<Message> {
    this.rest = this.rest.length === 0 ? bytes : Buffer.concat([this.rest, bytes])
    while (this.rest.length >= 5) {
      const length = 1 + this.rest.readUInt32BE(1)
      if (this.rest.length < length) return
      const message = this.rest.subarray(0, length)
      this.rest = this.rest.subarray(length)
      yield { type: String.fromCharCode(message[0]!), bytes: message }
    }
  }
}

/** A message of this type. */
export function message(type: string, body: Uint8Array): Buffer {
  const head = Buffer.alloc(5)
  head.write(type, 0)
  head.writeUInt32BE(4 + body.length, 1)
  return Buffer.concat([head, body])
}

const zero = Buffer.from([0])

/** A statement by the simple protocol. */
export const query = (sql: string): Buffer => message('Q', Buffer.concat([Buffer.from(sql), zero]))

/** The text of a simple statement. */
export const sqlOf = ({ bytes }: Message): string => bytes.toString('utf8', 5, bytes.length - 1)

/** The text of a statement to prepare, and the same message with another one. */
export function parseOf({ bytes }: Message): { readonly sql: string; with(sql: string): Buffer } {
  const begin = bytes.indexOf(0, 5) + 1
  const end = bytes.indexOf(0, begin)
  return {
    sql: bytes.toString('utf8', begin, end),
    with: (sql) => message('P', Buffer.concat([bytes.subarray(5, begin), Buffer.from(sql), bytes.subarray(end)])),
  }
}

/** The fields of an error: `M` is its message, `C` its code, `W` where it was. */
export const errorOf = ({ bytes }: Message): Readonly<Record<string, string>> =>
  Object.fromEntries(
    bytes
      .toString('utf8', 5)
      .split('\0')
      .filter((field) => field !== '')
      .map((field) => [field[0], field.slice(1)]),
  )

/** An error. */
export const error = (code: string, text: string): Buffer =>
  message('E', Buffer.from(`SERROR\0VERROR\0C${code}\0M${text}\0\0`))

/** The values of a row. */
export function rowOf({ bytes }: Message): (string | null)[] {
  const values: (string | null)[] = []
  let at = 7
  for (let left = bytes.readUInt16BE(5); left > 0; left--) {
    const length = bytes.readInt32BE(at)
    at += 4
    values.push(length < 0 ? null : bytes.toString('utf8', at, at + length))
    if (length > 0) at += length
  }
  return values
}
