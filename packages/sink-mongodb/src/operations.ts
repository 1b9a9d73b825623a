/** What each record does to the document of its key, for every write mode. */
import { isWellFormed, type Records, type Row, type SinkContext, type WriteFailure } from '@millrace/core'
import { compileSet, keyFields } from '@millrace/kinds'
import { encodingFault } from '@millrace/formats'
import { compileIds, half, type Wrong } from './ids.ts'
import type { Id, Operation } from './bulk.ts'
import type { Options } from './options.ts'
import { compileDocument, isWide, toBson } from './values.ts'

/** The record that inserted a document under a key that is not its id. */
export const recordField = '_millrace_id'

/** Records that a record cannot be stored. */
export type Refuse = (index: number, code: string, message: string, field?: string, kind?: WriteFailure['kind']) => void

/** A batch, ready to write. */
export interface Prepared {
  /** Indexes of the valid records by key, in their order. */
  readonly byKey: Map<string, number[]>
  /**
   * The operation for records of one key, after all earlier ones were written. With `first`: for the first of them
   * only.
   */
  operation(key: string, of: readonly number[], first: boolean): Operation
}

export interface Preparing {
  /** Only the first record of a key can be written at a time; the next one must find it there. */
  readonly oneByOne: boolean
  /** Fields of records are merged, so an operation for several covers all of them; otherwise it covers the last. */
  readonly merges: boolean
  prepare(records: Records, refuse: Refuse): Prepared
}

export function compileOperations(o: Options, ctx: SinkContext): Preparing {
  const keyed = compileIds(o, ctx.schema)
  const isId = keyFields(o)?.[0] === '_id'
  const document = compileDocument(ctx.schema, o.nulls)
  const fieldsOf = o.write === 'set' ? compileSet(o, ctx.schema, toBson) : undefined
  const oneByOne = o.write === 'insert' && keyed !== undefined
  const open = ctx.schema.open === true

  return {
    oneByOne,
    merges: fieldsOf !== undefined,
    prepare(records, refuse) {
      const ids = keyed && !oneByOne ? undefined : records.ids()
      const sets: (readonly (readonly [string, unknown])[])[] = []
      const documents: Row[] = []
      const byKey = new Map<string, number[]>()
      const values = new Map<string, Id>()
      for (let i = 0; i < records.length; i++) {
        const whole = records.rows[i]!
        try {
          const id = keyed ? keyed.text(whole) : idOf(ids![i]!)
          if (typeof id !== 'string') {
            refuse(i, id.code, id.message, id.field)
            continue
          }
          const row = isId ? withoutId(whole) : whole
          const wrong = fieldsOf
            ? prepareSet(fieldsOf(whole), sets, i)
            : o.write === 'delete'
              ? undefined
              : unstorable(row, open)
          if (wrong) {
            refuse(i, wrong.code, wrong.message, wrong.field)
            continue
          }
          if (!fieldsOf && o.write !== 'delete') documents[i] = document(row)
          if (!values.has(id)) values.set(id, keyed ? keyed.value(id, whole) : id)
          const before = byKey.get(id)
          if (before) before.push(i)
          else byKey.set(id, [i])
        } catch (error) {
          const { code, message } = encodingFault(error, undefined)
          refuse(i, code, message)
        }
      }
      return {
        byKey,
        operation(id, of, first) {
          const filter = { _id: values.get(id)! }
          if (o.write === 'delete') return { deleteOne: { filter } }
          if (fieldsOf)
            return {
              updateOne: { filter, update: updateOf((first ? [of[0]!] : of).flatMap((i) => sets[i]!)), upsert: true },
            }
          if (!oneByOne) return { replaceOne: { filter, replacement: documents[of.at(-1)!]!, upsert: true } }
          const record = ids![of[0]!]!
          // A document of another record does not match, so it is inserted, and the key is taken.
          return {
            replaceOne: {
              filter: { ...filter, [recordField]: record },
              replacement: { ...documents[of[0]!]!, [recordField]: record },
              upsert: true,
            },
          }
        },
      }
    },
  }
}

/** The `_id` of a document is set by the operation's filter. */
function withoutId({ _id, ...row }: Row): Row {
  return row
}

function idOf(id: string): string | Wrong {
  return id.isWellFormed() ? id : { code: 'bad_text', message: `its id ${half}` }
}

function prepareSet(
  set: readonly (readonly [string, unknown])[] | Wrong,
  into: (readonly (readonly [string, unknown])[])[],
  i: number,
): Wrong | undefined {
  if ('code' in set) return set
  into[i] = set.filter(([name]) => name !== '_id')
  return undefined
}

/** The reason why a row cannot be a document. Names of declared fields were checked before the run. */
function unstorable(row: Row, open: boolean): Wrong | undefined {
  for (const name in row) {
    if (!isWellFormed(row[name])) return { code: 'bad_text', message: `${name} ${half}`, field: name }
    if (open && isWide(row[name]))
      return { code: 'out_of_range', message: `${name} holds a whole number beyond 64 bits`, field: name }
    if (open && (name.startsWith('$') || name.includes('\0') || name === '_id' || !name.isWellFormed()))
      return { code: 'bad_name', message: `a document cannot have a field ${JSON.stringify(name)}`, field: name }
  }
  return undefined
}

/**
 * Sets fields in order, later ones winning. A name with a dot or a dollar would be taken for a path, so it is set by an
 * expression.
 */
function updateOf(
  set: readonly (readonly [name: string, value: unknown])[],
): NonNullable<Extract<Operation, { updateOne: unknown }>['updateOne']['update']> {
  const fields = new Map(set)
  if ([...fields.keys()].every((name) => !name.startsWith('$') && !name.includes('.')))
    return { $set: Object.fromEntries(fields) }
  return [...fields].map(([name, value]) => ({
    $replaceWith: { $setField: { field: { $literal: name }, input: '$$ROOT', value: { $literal: value } } },
  }))
}
