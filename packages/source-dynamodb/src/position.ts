/** Keys as text, and positions: the key of the last item that was read, and the table it belongs to. */
import { type Json, MillraceError } from '@millrace/core'
import type { Item, KeyAttribute } from '@millrace/client-dynamodb'

/** Where reading continues, and in which table. */
interface Position {
  /** The id that the service gave the table when it was created. */
  readonly table: string
  /** The values of the last item's key, as `keyTexts` writes them. */
  readonly after: readonly string[]
}

/** The values of an item's key, partition key first: text, the digits of a number, or bytes as base64. */
export const keyTexts = (item: Item, key: readonly KeyAttribute[]): string[] =>
  key.map(({ name }) => {
    const value = item[name]!
    return value.S ?? value.N ?? Buffer.from(value.B!).toString('base64')
  })

/** An item's own position: the value of its key, or a JSON array if there are two. */
export const positionText = (texts: readonly string[]): string =>
  texts.length === 1 ? texts[0]! : JSON.stringify(texts)

const toKey = (texts: readonly string[], key: readonly KeyAttribute[]): Item =>
  Object.fromEntries(
    key.map(({ name, type }, k) => {
      const text = texts[k]!
      return [name, type === 'S' ? { S: text } : type === 'N' ? { N: text } : { B: Buffer.from(text, 'base64') }]
    }),
  )

/** Positions in the table of this id. `name`: for messages. */
export function placeOf(name: string, table: string, key: readonly KeyAttribute[]) {
  return {
    position: (last: Item): Json => ({ table, after: keyTexts(last, key) }) satisfies Position,
    /** The key to continue after; undefined: from the beginning. Throws `source_replaced`. */
    after(saved: Json | undefined): Item | undefined {
      if (saved === undefined) return undefined
      const { table: read, after } = saved as unknown as Position
      if (read === table) return toKey(after, key)
      throw new MillraceError('source_replaced', `the table ${name} is not the one that was read before`, {
        place: name,
        hint: 'if this is intended, discard its positions: pipe state reset PIPELINE; or give the source a new id',
      })
    },
  }
}
