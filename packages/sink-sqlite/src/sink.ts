/** The definition of `type: sqlite` as a sink. */
import { defineSink } from '@millrace/core'
import { isLookedUp, keyFields, withNulls } from '@millrace/kinds'
import { appendSink } from './append.ts'
import { documentsSink } from './documents.ts'
import { mergeSink, removingSink } from './merge.ts'
import { accepts, checkOptions, mapping, type Options, options, writeOf } from './options.ts'
import { probeStore, queryStore, sorts } from './query.ts'

const pathOf = (o: Options, env: { readonly home: string; resolve(path: string): string }): string =>
  o.path === undefined ? `${env.home}/store.db` : env.resolve(o.path)

/** How the guarantee is kept. */
function how(o: Options): string {
  const write = writeOf(o)
  const key = keyFields(o)?.join(', ') ?? 'record id'
  if (write === 'append') return 'load ledger: each epoch is published once, in one transaction with its ledger entry'
  return `${write} by ${key}, one transaction per write`
}

export const sqlite = defineSink({
  kind: 'sink',
  type: 'sqlite',
  summary: 'The embedded store: documents in collections, or rows in typed tables, in one SQLite file.',
  options,
  serves: ['documents', 'warehouse'],
  check: checkOptions,
  capabilities: (o) => ({
    label: 'effectively-once',
    how: how(o),
    key: writeOf(o) === 'append' ? undefined : (keyFields(o) ?? 'record_id'),
    combines: writeOf(o) === 'set',
    part: o.attribute?.name,
    keyed: writeOf(o) !== 'append' && writeOf(o) !== 'insert',
    onNull: o.on_null,
  }),
  accepts,
  mapping,
  create(o, ctx) {
    const path = pathOf(o, ctx)
    return withNulls(o, ctx, (each) => {
      if (each.collection !== undefined) return documentsSink(each, ctx, path)
      if (writeOf(each) === 'delete') return removingSink(each, ctx, path)
      return writeOf(each) === 'merge' ? mergeSink(each, ctx, path) : appendSink(each, ctx, path)
    })
  },
  writes: (o, env) => [`sqlite:${pathOf(o, env)}#${o.collection ?? o.table}`],
  stopsAtExisting: (o) => writeOf(o) === 'append' && o.existing === 'stop',
  query: (o, env, query, signal) => queryStore(pathOf(o, env), query, signal, keyFields(o)),
  sorts,
  lookUp: (o, fields) => (isLookedUp(o, fields) ? 'index' : 'all'),
  probe: async (o, env) => probeStore(pathOf(o, env)),
})
