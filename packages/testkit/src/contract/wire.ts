/**
 * What a stream must carry beside values, unchanged: keys and headers of any bytes, headers that repeat or are null,
 * records without a key or without a value. The same records are written by a sink and read by a source.
 */
import assert from 'node:assert/strict'
import {
  type BadRecord,
  type Batch,
  batch,
  type Beside,
  type Env,
  type Field,
  headersFromJson,
  headersJson,
  type Json,
  Records,
  type RecordType,
  type SinkDefinition,
  type SourceDefinition,
  wireBytes,
  wireFromJson,
  wireJson,
} from '@millrace/core'
import type { Check, None, Scope } from './check.ts'
import { loadDefinition } from './load.ts'
import { makeSource, readAll, type SourceMaking } from './read.ts'
import { makeSink, type SinkMaking } from './script.ts'

/** A record of a stream as bytes, in base64: null is none. */
export interface WireRecord {
  readonly key: string | null
  readonly value: string | null
  readonly headers: readonly (readonly [name: string, value: string | null])[]
}

const bytes = (...parts: readonly (number | string)[]): string =>
  Buffer.concat(parts.map((part) => (typeof part === 'number' ? Buffer.of(part) : Buffer.from(part)))).toString(
    'base64',
  )
const json = (n: number): string => bytes(JSON.stringify({ n }))

/** The records: the number in each value is its place. */
export const wireRecords: readonly WireRecord[] = [
  { key: bytes(0, 0, 0, 0, 0, 0, 0, 0x80), value: json(0), headers: [] },
  { key: bytes(0, 0, 0, 0, 0, 0, 0, 0x81), value: json(1), headers: [[bytes('a'), bytes('1')]] },
  { key: bytes('\ufffd'), value: json(2), headers: [[bytes('a'), null]] },
  {
    key: bytes('té'),
    value: json(3),
    headers: [
      [bytes('b'), ''],
      [bytes('a'), bytes(0xc3, 0x28)],
      [bytes('b'), bytes('2')],
    ],
  },
  {
    key: null,
    value: json(4),
    headers: [
      [bytes('a'), bytes('1')],
      [bytes('a'), bytes('1')],
    ],
  },
  { key: bytes('té'), value: null, headers: [[bytes('gone'), bytes('é')]] },
  { key: bytes(0xff), value: null, headers: [] },
]

const schema: RecordType = { fields: { n: { type: { kind: 'integer' }, optional: true } } }

/** A field that holds all headers. */
const headersField: Field = {
  type: {
    kind: 'list',
    of: {
      type: {
        kind: 'object',
        record: {
          fields: {
            name: { type: { kind: 'string' }, optional: false },
            value: { type: { kind: 'bytes' }, optional: true },
          },
        },
      },
      optional: false,
    },
  },
  optional: false,
}

/** What a source of streams has to provide for these checks. */
export interface WireSource {
  /** Puts the records in place, in one partition; returns the options that read them to their end. */
  put(scope: Scope, records: readonly WireRecord[]): Promise<object> | object
}
/** What a sink of streams has to provide. */
export interface WireSink {
  /** An empty place to write to: its options, and what is in it, read apart from our own source. */
  place(scope: Scope): Promise<WirePlace> | WirePlace
}
export interface WirePlace {
  readonly options: object
  contents(): Promise<readonly WireRecord[]> | readonly WireRecord[]
}

/** The part of a subject that is about streams. A source or sink that serves streams must have it. */
export interface WireSubject<T> {
  readonly module: string | URL
  readonly type: string
  readonly wire?: T | None
}

const base64 = (text: Parameters<typeof wireBytes>[0]): string => wireBytes(text).toString('base64')

function wireOf(value: Uint8Array, { key, headers, tombstone }: Beside): WireRecord {
  return {
    key: key === undefined ? null : base64(key),
    value: tombstone ? null : base64(value),
    headers: (headers ?? []).map(([name, each]) => [base64(name), each === null ? null : base64(each)]),
  }
}

const besideAt = (of: Batch, i: number): Beside => ({
  key: of.keys?.[i],
  headers: of.headersAt?.(i),
  tombstone: of.tombstoneAt?.(i),
})

/** A check that a subject of streams has to pass, unless it says why it cannot. */
const wireCheck = <T, D extends { readonly serves?: readonly string[] }>(
  kind: 'source' | 'sink',
  name: string,
  run: (definition: D, wire: T, scope: Scope) => Promise<void>,
): Check<WireSubject<T>> => ({
  name,
  async run(subject, scope) {
    const definition = (await loadDefinition(subject.module, kind as 'sink', subject.type)) as unknown as D
    const { wire } = subject
    if (!definition.serves?.includes('stream')) return
    assert.ok(wire, `${kind} ${subject.type} serves streams: its subject must provide \`wire\``)
    if ('none' in (wire as object)) scope.say(`${kind} ${subject.type}, ${name}: ${(wire as None).none}`)
    else await run(definition, wire as T, scope)
  },
})

/** Everything that a source gives, by place in the stream. */
async function readWire(definition: SourceDefinition, making: SourceMaking, env: Env) {
  const records: { place: number; wire: WireRecord; row: unknown }[] = []
  const bad: BadRecord[] = []
  const take = (given: Batch) => {
    for (const [i, row] of given.rows.entries())
      records.push({ place: Number(given.positionAt(i)), wire: wireOf(given.rawAt!(i), besideAt(given, i)), row })
    bad.push(...(given.bad ?? []))
  }
  await readAll(makeSource(definition, making, env), env, { onBatch: take })
  return { records: records.toSorted((a, b) => a.place - b.place), bad }
}

/** Of sources. */
export const wireReading: readonly Check<WireSubject<WireSource>>[] = [
  wireCheck<WireSource, SourceDefinition>(
    'source',
    'gives keys and headers as the bytes that they are, and knows which records have no value',
    async (definition, wire, scope) => {
      const options = { ...(await wire.put(scope, wireRecords)), tombstones: 'keep' }
      const { records } = await readWire(definition, { options, schema }, scope.env)
      assert.deepEqual(
        records.map((each) => each.wire),
        wireRecords,
      )
      assert.deepEqual(
        records.map(({ row }) => row),
        wireRecords.map(({ value }, n) => ({ n: value === null ? null : n })),
      )
    },
  ),

  wireCheck<WireSource, SourceDefinition>(
    'source',
    'has records without a value as bad ones, unless they are kept or left out',
    async (definition, wire, scope) => {
      const options = await wire.put(scope, wireRecords)
      const plain = await readWire(definition, { options, schema }, scope.env)
      const of = ({ bytes: raw, key, headers, tombstone }: BadRecord) => wireOf(raw, { key, headers, tombstone })
      assert.deepEqual(
        plain.bad.map(of),
        wireRecords.filter(({ value }) => value === null),
      )
      assert.deepEqual(new Set(plain.bad.map(({ code }) => code)), new Set(['tombstone']))
      const skipping = { ...options, tombstones: 'skip' }
      const left = await readWire(definition, { options: skipping, schema }, scope.env)
      assert.deepEqual(
        left.records.map((each) => each.wire),
        wireRecords.filter(({ value }) => value !== null),
      )
      assert.equal(left.bad.length, 0)
    },
  ),

  wireCheck<WireSource, SourceDefinition>(
    'source',
    'reads headers and keys as fields that hold all of them, also from a dead letter',
    async (definition, wire, scope) => {
      const declared: RecordType = {
        fields: {
          ...schema.fields,
          key: { type: { kind: 'bytes' }, optional: true },
          headers: headersField,
        },
      }
      const options = {
        ...(await wire.put(scope, wireRecords)),
        tombstones: 'keep',
        key_field: 'key',
        headers_field: 'headers',
      }
      const made = { options, schema: declared }
      const decode = definition.decoder!(options, { ...scope.env, schema: declared, unknownFields: 'drop' })
      const wireOfRow = (row: Record<string, unknown>): Omit<WireRecord, 'value'> => ({
        key: row['key'] === null ? null : base64(row['key'] as Uint8Array),
        headers: (row['headers'] as readonly { name: string; value: Uint8Array | null }[]).map(({ name, value }) => [
          base64(name),
          value && base64(value),
        ]),
      })
      const expected = wireRecords.map(({ key, headers: all }) => ({ key, headers: all }))
      const seen: unknown[] = []
      const again: unknown[] = []
      await readAll(makeSource(definition, made, scope.env), scope.env, {
        onBatch(given) {
          for (const [i, row] of given.rows.entries()) {
            seen.push(wireOfRow(row))
            const letter = letterOf(given, i)
            again.push(wireOfRow(decode(...letter)))
          }
        },
      })
      assert.deepEqual(seen, expected)
      assert.deepEqual(again, expected, 'decoded again')
    },
  ),
]

/** What is left of record i after it was a dead letter, which is text. */
function letterOf(given: Batch, i: number): [Buffer, Json | undefined, Beside] {
  const kept = <T>(value: T): T => (value === undefined ? value : (JSON.parse(JSON.stringify(value)) as T))
  const { key, headers, tombstone } = besideAt(given, i)
  const beside = {
    key: key === undefined ? undefined : wireFromJson(kept(wireJson(key))),
    headers: headers && headersFromJson(kept(headersJson(headers))),
    tombstone,
  }
  return [Buffer.from(given.rawAt!(i)), kept(given.contextAt?.(i) ?? given.context), beside]
}

/** The records as a source would give them. */
function recordsOfWire(env: Env): Records {
  const rows = wireRecords.map(({ value, headers }, n) => ({
    n: value === null ? null : n,
    headers: headers.map(([name, each]) => ({
      name: Buffer.from(name, 'base64').toString(),
      value: each === null ? null : Buffer.from(each, 'base64'),
    })),
  }))
  const text = (each: string) => {
    const raw = Buffer.from(each, 'base64')
    return raw.toString().includes('\ufffd') && !raw.equals(Buffer.from('\ufffd')) ? raw : raw.toString()
  }
  const from: Batch = batch({
    split: '0',
    rows,
    positionAt: (i) => i,
    keys: wireRecords.map(({ key }) => (key === null ? undefined : text(key))),
    tombstoneAt: (i) => wireRecords[i]!.value === null,
  })
  return new Records({ rows, from: [{ source: 'source', batch: from }], pipeline: env.pipeline })
}

/** Of sinks. */
export const wireWriting: readonly Check<WireSubject<WireSink>>[] = [
  wireCheck<WireSink, SinkDefinition>(
    'sink',
    'writes keys and headers as the bytes that they are, and no value where there is none',
    async (definition, wire, scope) => {
      const { options, contents } = await wire.place(scope)
      const making: SinkMaking = {
        options: { ...options, headers_field: 'headers' },
        schema: { fields: { ...schema.fields, headers: headersField } },
      }
      const sink = makeSink(definition, making, scope.env)
      scope.defer(() => sink.close?.())
      const { signal } = new AbortController()
      await sink.open?.({ signal, incarnation: 1, start: '0', instance: { i: 0, n: 1 }, warn: () => {} })
      await sink.write(recordsOfWire(scope.env), { signal, epoch: 1 })
      await sink.flush?.({ signal, epoch: 1, roll: true, end: true })
      assert.deepEqual(await contents(), wireRecords)
    },
  ),
]
