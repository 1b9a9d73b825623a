/**
 * What the sinks of a case have taken. It outlives the killed processes of a case, as a store does. Each sink keeps the
 * promise of the one that it stands for: by key, by stages that are published once, or by appending what may come
 * twice.
 */
import { compileKey } from '../convert/index.ts'
import { type Sink, throwFailures } from '../connector/index.ts'
import type { WriteFailure } from '../errors/index.ts'
import type { PlanSink } from '../plan/index.ts'
import type { Records, Row } from '../record/index.ts'

/** A record as a sink took it. */
export interface Taken {
  /** The id of the record; a dead letter's with the node at which it failed. */
  readonly id: string
  readonly row: Row
  /** It is a result of a step: a restart may change the order of these. */
  readonly isResult: boolean
  /** It has no value, and this is what the sink does with it. */
  readonly without?: 'error' | 'delete' | 'skip' | undefined
}

/** What one sink has taken. */
export interface Outbox {
  /** Visible records: in the order of writing, or one for each key. */
  visible(): readonly Taken[]
  /** The order of its records means something, so far. */
  readonly isOrdered: boolean
  /** After a crash a record may come again, under its id. */
  readonly repeats: boolean
  /** The fields of its key. */
  readonly key?: readonly string[]
  /** The sink of one process; `check` throws once that was killed. */
  open(check: () => void): Sink
}

/** For a sink of the plan. `isLetters`: it is the dead letter. */
export function createOutbox(sink: PlanSink, isLetters = false): Outbox {
  const { key, label, combines, keyed, onNull = 'write' } = sink.capabilities
  const fields = !combines && typeof key === 'object' ? key : undefined
  const takenOf = (records: Records): Taken[] =>
    records.rows.map((row, i) => ({
      id: isLetters ? `${String(row['id'])} ${String(row['step'])}` : records.id(i),
      row,
      isResult: records.results?.[i] !== undefined,
      without: records.tombstone(i) && onNull !== 'write' ? onNull : undefined,
    }))
  if (key !== undefined) return keyedOutbox(takenOf, fields, fields && compileKey(sink.input, fields), keyed === false)
  if (isLetters) return { ...appendingOutbox(takenOf), isOrdered: false }
  return label === 'at-least-once' ? appendingOutbox(takenOf) : stagedOutbox(takenOf)
}

type TakenOf = (records: Records) => Taken[]

/** One record for each key, the last; null in a key is the data error that it is in every store. */
function keyedOutbox(
  takenOf: TakenOf,
  fields: readonly string[] | undefined,
  keyOf: ((row: Row) => string | undefined) | undefined,
  /** A key that another record has is a data error too. */
  inserts: boolean,
): Outbox {
  const documents = new Map<string, Taken>()
  const write = (records: Records) => {
    const failures: WriteFailure[] = []
    for (const [index, taken] of takenOf(records).entries()) {
      if (taken.without === 'skip' || taken.without === 'error') continue
      const key = keyOf ? keyOf(taken.row) : taken.id
      if (key === undefined)
        failures.push({ index, kind: 'data', code: 'null_key', message: `${fields!.join(', ')}: the key is null` })
      else if (inserts && (documents.get(key)?.id ?? taken.id) !== taken.id)
        failures.push({ index, kind: 'data', code: 'key_exists', message: `another record has the key ${key}` })
      else if (taken.without) documents.delete(key)
      else documents.set(key, taken)
    }
    refuseNulls(takenOf(records), failures)
  }
  return {
    visible: () => [...documents.values()],
    isOrdered: false,
    repeats: false,
    ...(fields ? { key: fields } : {}),
    open: (check) => ({
      write(records) {
        check()
        write(records)
      },
    }),
  }
}

/** Throws the failures of a write, among them the records without a value that its sink refuses. */
function refuseNulls(all: readonly Taken[], failures: WriteFailure[] = []): void {
  for (const [index, { without }] of all.entries())
    if (without === 'error') failures.push({ index, kind: 'data', code: 'tombstone', message: 'it has no value' })
  throwFailures(failures)
}

function appendingOutbox(takenOf: TakenOf): Outbox {
  const visible: Taken[] = []
  return {
    visible: () => visible,
    get isOrdered() {
      return !visible.some(({ isResult }) => isResult)
    },
    repeats: true,
    open: (check) => ({
      write(records) {
        check()
        const all = takenOf(records)
        visible.push(...all.filter(({ without }) => !without))
        refuseNulls(all)
      },
    }),
  }
}

/** What was written is hidden until its stage is published, and a stage is published once. */
function stagedOutbox(takenOf: TakenOf): Outbox {
  const visible: Taken[] = []
  const stages = new Map<number, readonly Taken[]>()
  let last = 0
  return {
    visible: () => visible,
    get isOrdered() {
      return !visible.some(({ isResult }) => isResult)
    },
    repeats: false,
    open(check) {
      let open: Taken[] = []
      return {
        write(records) {
          check()
          const all = takenOf(records)
          open.push(...all.filter(({ without }) => !without))
          refuseNulls(all)
        },
        async flush() {
          check()
          if (open.length === 0) return {}
          stages.set(++last, open)
          open = []
          return { stages: [last] }
        },
        async publish(stage) {
          check()
          visible.push(...(stages.get(stage as number) ?? []))
          stages.delete(stage as number)
        },
      }
    },
  }
}
