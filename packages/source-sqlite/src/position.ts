/** Positions, and the store they belong to. */
import { isAbsolute, relative } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { type Env, type Json, MillraceError } from '@millrace/core'
import { readIds } from '@millrace/client-sqlite'

/** Where reading continues, and in which store. */
export interface Position {
  /** The store's id, or its path. */
  readonly store: string
  /** The id of the collection or table. */
  readonly table?: string
  /** The key of the last record. */
  readonly after: Json
}

/** The store being read, as positions identify it. */
export interface Place {
  position(after: Json): Json
  /** The key to continue after. Throws `source_replaced` if the position belongs to a different store or table. */
  after(saved: Json | undefined): Json | undefined
}

export function placeOf(db: DatabaseSync, path: string, name: string, env: Env): Place {
  const { store, table } = readIds(db, name)
  const inside = relative(env.root, path)
  const lies = inside.startsWith('..') || isAbsolute(inside) ? path : inside
  const replaced = (what: string) =>
    new MillraceError('source_replaced', `${what} than the one that was read before`, {
      place: `${path}, ${name}`,
      hint: 'if this is intended, discard its positions: pipe state reset PIPELINE; or give the source a new id',
    })
  return {
    position: (after) =>
      ({ store: store ?? lies, ...(table === undefined ? {} : { table }), after }) satisfies Position,
    after(saved) {
      if (saved === undefined) return undefined
      const from = saved as unknown as Position
      // A store without an id may have got one since.
      if (from.store !== store && from.store !== lies) throw replaced(`${path} is a different store`)
      if (from.table !== undefined && from.table !== table)
        throw replaced(`${name} was emptied or recreated: it is a different ${name}`)
      return from.after
    },
  }
}
