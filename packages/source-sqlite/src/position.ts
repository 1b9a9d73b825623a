/** Positions, and the store that they are of. */
import { isAbsolute, relative } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { type Env, type Json, MillraceError } from '@millrace/core'
import { readIds } from '@millrace/client-sqlite'

/** Where reading goes on, in which store. */
export interface Position {
  /** The store's id, or where it lies. */
  readonly store: string
  /** The id of the collection or table. */
  readonly table?: string
  /** The key of the last record. */
  readonly after: Json
}

/** The store that is read, as positions name it. */
export interface Place {
  position(after: Json): Json
  /** The key to go on after. Throws `source_replaced` where the position is of another store or table. */
  after(saved: Json | undefined): Json | undefined
}

export function placeOf(db: DatabaseSync, path: string, name: string, env: Env): Place {
  const { store, table } = readIds(db, name)
  const inside = relative(env.root, path)
  const lies = inside.startsWith('..') || isAbsolute(inside) ? path : inside
  const replaced = (what: string) =>
    new MillraceError('source_replaced', `${what} than the one that was read before`, {
      place: `${path}, ${name}`,
      hint: 'if that was meant, forget its positions with `pipe state reset PIPELINE`, or give the source another id',
    })
  return {
    position: (after) =>
      ({ store: store ?? lies, ...(table === undefined ? {} : { table }), after }) satisfies Position,
    after(saved) {
      if (saved === undefined) return undefined
      const from = saved as unknown as Position
      // A store that had no id may have got one since.
      if (from.store !== store && from.store !== lies) throw replaced(`${path} is another store`)
      if (from.table !== undefined && from.table !== table)
        throw replaced(`${name} was emptied or recreated: it is another ${name}`)
      return from.after
    },
  }
}
