/**
 * Writes a batch: one operation per key, all in one unordered bulk write, round after round until every record is
 * stored or known to be faulty.
 *
 * Records of one key are coalesced, so the order of a key cannot break: an upsert writes the last of them, a set all
 * their fields in order. If the last cannot be stored, the one before it is tried, and so on. An operation that failed
 * because another client created the key at the same moment is repeated.
 *
 * Coalescing reorders records of different keys, so a value of a unique index may be taken before another record has
 * given it up. Such records wait until all others are written, and are then tried again, each on its own and in order.
 */
import { type Records, throwFailures, type WriteFailure } from '@millrace/core'
import type { Collection } from '@millrace/client-mongodb/driver'
import { type Ask, bulkWrite, type Fault, type Stored } from './bulk.ts'
import type { Preparing, Refuse } from './operations.ts'
import type { Options } from './options.ts'

/** How often an operation is repeated here if someone else created its key at the same moment. */
const retries = 5

/** Throws `PartialWriteError` for the records that cannot be stored, and `SystemError`. */
export async function writeAll(
  records: Records,
  preparing: Preparing,
  collection: Collection<Stored>,
  o: Options,
  ask: Ask,
): Promise<void> {
  if (records.length === 0) return
  const failures = new Map<number, WriteFailure>()
  const refuse: Refuse = (index, code, message, field, kind = 'data') => {
    failures.set(index, { index, kind, code, message, field })
  }
  const { byKey: waiting, operation } = preparing.prepare(records, refuse)
  /** Keys whose records are tried one by one, to find out which of them cannot be merged. */
  const alone = new Set<string>()
  const tries = new Map<string, number>()
  /** Keys whose records a unique index refuses, for as long as other records may give the values up. */
  const held = new Map<string, number[]>()
  /** No other record will; nothing that is inserted gives a value up. */
  let isFinal = preparing.oneByOne
  while (waiting.size > 0) {
    const round = [...waiting]
    const isFirstOnly = (key: string) => preparing.oneByOne || alone.has(key)
    const operations = round.map(([key, of]) => operation(key, of, isFirstOnly(key)))
    const faults = await bulkWrite(operations, collection, o, ask)
    for (const [k, [key, of]] of round.entries()) {
      const left = remaining(key, of, faults.get(k))
      if (left.length > 0) waiting.set(key, left)
      else waiting.delete(key)
    }
    if (waiting.size > 0 || held.size === 0) continue
    while (await replay());
    for (const [key, of] of held) waiting.set(key, of)
    held.clear()
    isFinal = true

    /** Tries all records held in their order; returns whether some were stored, and others are still held. */
    async function replay(): Promise<boolean> {
      const tried = [...held]
        .flatMap(([key, of]) => of.map((index, at) => ({ key, of, index, at })))
        .toSorted((a, b) => a.index - b.index)
      const operations = tried.map(({ key, of, at }) => operation(key, of.slice(0, at + 1), false))
      const faults = await bulkWrite(operations, collection, o, ask)
      const stored = tried.filter((_, k) => !faults.has(k))
      for (const { key, of, at } of stored) {
        if (at + 1 < of.length) held.set(key, of.slice(at + 1))
        else held.delete(key)
      }
      return stored.length > 0 && held.size > 0
    }

    /** Records one operation's outcome; returns which of its key's records are still to be written. */
    function remaining(key: string, of: readonly number[], fault: Fault | undefined): number[] {
      const first = isFirstOnly(key)
      if (!fault) return first ? of.slice(1) : []
      if (fault.kind === 'taken') {
        const again = (tries.get(key) ?? 0) + 1
        tries.set(key, again)
        if (again < (preparing.oneByOne ? 2 : retries)) return [...of]
        if (preparing.oneByOne) {
          tries.delete(key)
          refuse(of[0]!, 'key_exists', `a document with the key ${key} already exists, from another record`)
          return of.slice(1)
        }
      }
      if (fault.kind !== 'data') {
        for (const i of of) refuse(i, fault.code, fault.message, undefined, 'system')
        return []
      }
      if (fault.code === 'constraint' && !isFinal) {
        held.set(key, [...of])
        return []
      }
      if (preparing.merges && !first && of.length > 1) {
        alone.add(key)
        return [...of]
      }
      const at = first ? 0 : of.length - 1
      refuse(of[at]!, fault.code, fault.message)
      return of.toSpliced(at, 1)
    }
  }
  throwFailures([...failures.values()])
}
