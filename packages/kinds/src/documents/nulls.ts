/**
 * Records without a value (tombstones) at sinks that keep one entry for a key: the entry of their key is deleted, they
 * are bad records, or they are left out.
 */
import {
  compileKey,
  fieldOf,
  option,
  PartialWriteError,
  type Problem,
  type RecordType,
  type Records,
  type Sink,
  type SinkContext,
  type WriteFailure,
  throwFailures,
} from '@millrace/core'
import { keyFields } from '../keys.ts'

/** The option of these sinks. */
export const onNull = option.oneOf(
  ['error', 'delete', 'skip', 'write'],
  'A record without a value, from a stream with `tombstones: keep`. `error`: a bad record; `delete`: it deletes what has its `key`; `skip`: nothing is written; `write`: it is written like any other, with nulls.',
  { default: 'error' },
)

/** The resolved options that decide what may be deleted. */
export interface NullOptions {
  readonly on_null: 'error' | 'delete' | 'skip' | 'write'
  readonly key?: string | readonly string[] | undefined
  readonly write?: string | undefined
}

/** Why documents cannot be deleted by key with these options; undefined: they can. */
export const undeletable = (o: NullOptions & { readonly attribute?: unknown }): string | undefined =>
  o.write === 'insert'
    ? 'with `write: insert` a key belongs to the record that inserted it'
    : o.attribute !== undefined
      ? 'with `attribute` a document has what other records set in it'
      : undefined

/** Problems with `on_null: delete`. `cannot`: why entries cannot be deleted by key with the other options. */
export function nullProblems(o: NullOptions, cannot?: string): Problem[] {
  if (o.on_null !== 'delete') return []
  const why =
    cannot ?? (o.key === undefined ? 'without `key`, entries are found by the id of their record only' : undefined)
  const hint = cannot ? 'on_null: skip' : 'key: the field that the source reads the key of a record into (`key_field`)'
  return why ? [{ code: 'bad_value', message: `\`on_null: delete\`: ${why}`, at: ['on_null'], hint }] : []
}

/**
 * A sink that does with records without a value what the options say. `make`: the sink of all other records, or with
 * `write: delete` one that deletes the entries of the keys of what it is given.
 */
export function withNulls<O extends NullOptions>(o: O, ctx: SinkContext, make: (o: O) => Sink): Sink {
  if (o.on_null === 'write') return make(o)
  const sink = make(o)
  const remover = o.on_null === 'delete' ? make({ ...o, write: 'delete' } as O) : undefined
  const keyOf = compileKeys(ctx.schema, keyFields(o))
  return {
    ...sink,
    async open(context) {
      await sink.open?.(context)
      await remover?.open?.(context)
    },
    async write(records, context) {
      if (!records.anyTombstones) return sink.write(records, context)
      const failures: WriteFailure[] = []
      const parts = remover ? inTurn(records, keyOf) : withoutTombstones(records, o.on_null, failures)
      await writeParts(parts, failures, (indexes, k) =>
        (k === 1 ? remover! : sink).write(records.pick(indexes), context),
      )
      throwFailures(failures)
    },
    async close() {
      await sink.close?.()
      await remover?.close?.()
    },
  }
}

/** The key of a row; undefined: it has none, which its sink reports. */
function compileKeys(
  schema: RecordType,
  names: readonly string[] | undefined,
): (records: Records, i: number) => unknown {
  if (!names?.every((name) => fieldOf(schema, name))) return (records, i) => records.id(i)
  const keyOf = compileKey(schema, names)
  return ({ rows }, i) => {
    try {
      return keyOf(rows[i]!)
    } catch {
      return undefined
    }
  }
}

/**
 * What comes before the last tombstone of its key, or has none; the tombstones; and what comes after them. So every
 * record is judged, and the last of a key counts.
 */
function inTurn(records: Records, keyOf: (records: Records, i: number) => unknown): readonly number[][] {
  const last = new Map<unknown, number>()
  const isTombstone = Array.from({ length: records.length }, (_, i) => records.tombstone(i))
  for (const [i, is] of isTombstone.entries()) if (is) last.set(keyOf(records, i), i)
  const parts: [number[], number[], number[]] = [[], [], []]
  for (const [i, is] of isTombstone.entries())
    parts[is ? 1 : i > (last.get(keyOf(records, i)) ?? records.length) ? 2 : 0].push(i)
  return parts
}

function withoutTombstones(
  records: Records,
  how: NullOptions['on_null'],
  failures: WriteFailure[],
): readonly number[][] {
  const others: number[] = []
  for (let index = 0; index < records.length; index++) {
    if (!records.tombstone(index)) others.push(index)
    else if (how === 'error') {
      const message = 'the record has no value: `on_null` of the sink says what then'
      failures.push({ index, kind: 'data', code: 'tombstone', message })
    }
  }
  return [others]
}

/** Writes part after part. What the system refuses holds back all later parts, so that no record overtakes another. */
async function writeParts(
  parts: readonly (readonly number[])[],
  failures: WriteFailure[],
  write: (indexes: readonly number[], part: number) => ReturnType<Sink['write']>,
): Promise<void> {
  for (const [k, indexes] of parts.entries()) {
    if (indexes.length === 0) continue
    try {
      await write(indexes, k)
    } catch (error) {
      if (!(error instanceof PartialWriteError)) throw error
      for (const failure of error.failures) failures.push({ ...failure, index: indexes[failure.index]! })
      const held = error.failures.find(({ kind }) => kind === 'system')
      if (!held) continue
      for (const index of parts.slice(k + 1).flat()) failures.push({ ...held, index })
      return
    }
  }
}
