/**
 * Reads a collection or a table up to its end at the start of reading, in the order of its key, one statement per page.
 * No transaction stays open, so writers continue and their log can be checkpointed. The position is the key of the last
 * record, so page sizes and later additions do not affect it; it also identifies the store.
 */
import {
  type BadRecord,
  type Batch,
  DataError,
  defineSource,
  option,
  type Problem,
  type Row,
  type Source,
  type SourceContext,
  type Static,
} from '@millrace/core'
import { identifier, nameProblem, openStoreReader, storeError, tableNamed } from '@millrace/client-sqlite'
import { recordParser } from '@millrace/formats'
import { documentPages } from './documents.ts'
import { inferType } from './infer.ts'
import type { Decoded, Page } from './page.ts'
import { unknownName } from './names.ts'
import { type Place, placeOf } from './position.ts'
import { rowFromText, tablePages, tableReader } from './table.ts'

export const options = option.object({
  path: option.optional(
    option.path('The store file. Default: `store.db` in the data folder of the profile, shared by all its pipelines.', {
      example: 'data/shop.db',
    }),
  ),
  collection: option.optional(
    option.text('The collection to read documents from. A field `_id` of the schema gets the key.', {
      example: 'invoice-items',
    }),
  ),
  table: option.optional(
    option.text('Instead of `collection`: the table to read rows from.', { example: 'bulkimport' }),
  ),
})
type Options = Static<typeof options>

const pathOf = (o: Options, env: { readonly home: string; resolve(path: string): string }): string =>
  o.path === undefined ? `${env.home}/store.db` : env.resolve(o.path)

function createSource(o: Options, ctx: SourceContext): Source {
  const path = pathOf(o, ctx)
  const name = o.collection ?? o.table!
  return {
    async *read({ signal, resume }) {
      yield { splits: [{ id: name }], complete: true }
      if (signal.aborted) return
      const db = openStoreReader(path)
      try {
        const place = placeOf(db, path, name, ctx)
        const at = place.after(resume(name))
        const pages = o.collection === undefined ? tablePages(db, name, ctx, at) : documentPages(db, name, ctx, at)
        for (const page of pages) {
          yield toBatch(name, page, place)
          // Lets the process do other work between two pages.
          await new Promise(setImmediate)
          if (signal.aborted) return
        }
      } catch (error) {
        throw storeError(error, path) ?? error
      } finally {
        db.close()
      }
    },
    async locate(_split, position) {
      return `${name} of ${path}, key ${position}`
    },
  }
}

function toBatch(split: string, { keys, decoded, rawAt, after, bytes, unknown, last }: Page, place: Place): Batch {
  const rows: Row[] = []
  const good: number[] = []
  const bad: BadRecord[] = []
  for (const [i, record] of decoded.entries()) {
    if ('row' in record) {
      rows.push(record.row)
      good.push(i)
    } else bad.push({ position: keys[i]!, bytes: rawAt(i), before: rows.length, ...record })
  }
  return {
    split,
    rows,
    position: place.position(after),
    bytes,
    positionAt: (i) => keys[good[i]!]!,
    rawAt: (i) => rawAt(good[i]!),
    unknown: unknown > 0 ? unknown : undefined,
    bad: bad.length > 0 ? bad : undefined,
    end: last,
  }
}

export const sqlite = defineSource({
  kind: 'source',
  type: 'sqlite',
  summary: 'Reads documents or tables of the embedded store, to their end.',
  options,
  serves: ['documents', 'warehouse'],
  check(o) {
    const name = o.collection ?? o.table
    const found: Problem[] = []
    if (name === undefined)
      found.push({
        code: 'missing_key',
        message: 'either `collection` or `table` is needed',
        at: [],
        hint: 'collection: NAME for documents, table: NAME for typed columns',
      })
    else if (o.collection !== undefined && o.table !== undefined)
      found.push({
        code: 'bad_value',
        message: '`collection` and `table` cannot be combined',
        at: ['table'],
        hint: 'remove one of them',
      })
    else if (nameProblem(name))
      found.push({
        code: 'bad_value',
        message: `\`${name}\` is not a valid name: ${nameProblem(name)}`,
        at: [o.collection === undefined ? 'table' : 'collection'],
      })
    return found
  },
  capabilities: (o) => ({ bounded: true, replayable: true, lanes: 'one', pushdown: o.collection !== undefined }),
  create: createSource,
  reads: (o, env) => [`sqlite:${pathOf(o, env)}#${o.collection ?? o.table}`],
  decoder(o, ctx) {
    if (o.collection === undefined) {
      const read = tableReader(ctx.schema)
      return (bytes) => unwrap(rowFromText(read, Buffer.from(bytes).toString('utf8')))
    }
    const parser = recordParser({ schema: ctx.schema, unknownFields: ctx.unknownFields })
    return (bytes) => {
      const row = parser.parse(Buffer.from(bytes).toString('utf8'))
      return unwrap(row ? { row } : parser.failure)
    }
  },
  infer: async (o, env, signal) => inferType(pathOf(o, env), o, signal),
  async probe(o, env) {
    const path = pathOf(o, env)
    const db = openStoreReader(path)
    try {
      const name = o.collection ?? o.table!
      if (tableNamed(db, name) !== name) throw unknownName(db, name)
      return `${path}: ${db.prepare(`SELECT count(*) AS n FROM ${identifier(name)}`).get()!['n']} records in ${name}`
    } finally {
      db.close()
    }
  },
})

function unwrap(decoded: Decoded): Row {
  if ('row' in decoded) return decoded.row
  throw new DataError(decoded.code, decoded.message, decoded.field)
}
