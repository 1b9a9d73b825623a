/** Pages of a collection, by key. */
import type { DatabaseSync } from 'node:sqlite'
import type { Json, SourceContext } from '@millrace/core'
import { identifier, isCollection, tableNamed } from '@millrace/client-sqlite'
import { recordParser } from '@millrace/formats'
import { unknownName } from './names.ts'
import { type Decoded, type Page, pageBytes, pageSize } from './page.ts'

/** From after the key `at` to the last key that exists now. Throws `MillraceError` if there is no such collection. */
export function* documentPages(
  db: DatabaseSync,
  collection: string,
  ctx: SourceContext,
  at: Json | undefined,
): Generator<Page> {
  if (tableNamed(db, collection) !== collection || !isCollection(db, collection)) throw unknownName(db, collection)
  const { schema, unknownFields, push } = ctx
  const parser = recordParser({ schema, unknownFields, push })
  const withKey = Object.hasOwn(schema.fields, '_id')
  const table = identifier(collection)
  const end = db.prepare(`SELECT max(id) AS id FROM ${table}`).get()?.['id'] as string | null
  const select = db.prepare(`SELECT id, doc FROM ${table} WHERE id > ? AND id <= ? ORDER BY id LIMIT ${pageSize}`)
  // Every key except the empty one is above this text; the first page must not miss the empty one.
  let from = at as string | undefined
  const first = db.prepare(`SELECT id, doc FROM ${table} WHERE id <= ? ORDER BY id LIMIT ${pageSize}`)
  for (let last = end === null; !last; ) {
    const keys: string[] = []
    const texts: string[] = []
    const decoded: Decoded[] = []
    let bytes = 0
    parser.tally.unknown = 0
    for (const { id, doc } of from === undefined ? first.iterate(end) : select.iterate(from, end)) {
      const text = withKey ? documentWithKey(id as string, doc as string) : (doc as string)
      const row = parser.parse(text)
      keys.push(id as string)
      texts.push(text)
      decoded.push(row ? { row } : parser.failure)
      bytes += text.length
      if (bytes >= pageBytes) break
    }
    last = keys.length < pageSize && bytes < pageBytes
    from = keys.at(-1) ?? from ?? ''
    yield {
      keys,
      decoded,
      rawAt: (i) => Buffer.from(texts[i]!),
      after: from,
      bytes,
      unknown: parser.tally.unknown,
      last,
    }
  }
}

/**
 * Adds the key as the first field, so that the bytes of a record are complete. A value that is not an object is left
 * unchanged.
 */
function documentWithKey(id: string, doc: string): string {
  const text = doc.trimStart()
  if (!text.startsWith('{')) return doc
  const rest = text.slice(1)
  return `{"_id":${JSON.stringify(id)}${rest.trimStart().startsWith('}') ? '' : ','}${rest}`
}
