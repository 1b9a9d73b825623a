/**
 * Partial failures: a sink reports exactly the records that it cannot store, each with its code, and stores all others.
 */
import assert from 'node:assert/strict'
import type { Records, Row, Sink, WriteFailure } from '@millrace/core'
import type { Check, None } from './check.ts'
import { doStep, type Numbered, recordsFor } from './script.ts'
import { check, type Faulty, finish, open, type Ready, type SinkSubject } from './sink-ready.ts'

/**
 * The failures that a write reported; empty: it stored everything. Fails if it throws anything that the contract does
 * not allow.
 */
async function failuresOf(sink: Sink, records: Records): Promise<readonly WriteFailure[]> {
  try {
    await sink.write(records, { signal: new AbortController().signal, epoch: 1 })
    return []
  } catch (error) {
    const { name, message } = error as Error
    assert.equal(name, 'PartialWriteError', `a write threw ${name} (${message}) instead of naming records`)
    return (error as { failures: readonly WriteFailure[] }).failures
  }
}

/** The faulty rows first, in the middle and last, so that there are valid ones on each side. */
function mixed(sound: Numbered, faulty: readonly Faulty[]): { records: Numbered; expected: [number, string][] } {
  const half = sound.length >> 1
  const records: (readonly [number, Row])[] = []
  const expected: [number, string][] = []
  let position = 1000
  for (const part of [[], sound.slice(0, half), sound.slice(half)]) {
    records.push(...part)
    for (const { row, code } of faulty) {
      expected.push([records.length, code])
      records.push([position++, row])
    }
  }
  return { records, expected }
}

async function namesThem(
  { start, parts: [a, b], shows }: Ready,
  env: Parameters<typeof recordsFor>[1],
  faulty: readonly Faulty[],
) {
  const { sink, flushed } = await start([open()])
  const { records, expected } = mixed(a, faulty)
  // As the engine passes the rest of a write: rows picked from a larger set.
  const more = recordsFor([...b, ...records], env)
  const failures = await failuresOf(sink, more.pick(Array.from(records.keys(), (i) => b.length + i)))
  assert.deepEqual(
    failures.map(({ index, kind, code }) => [index, kind, code]).toSorted((x, y) => Number(x[0]) - Number(y[0])),
    expected.map(([index, code]) => [index, 'data', code]),
    'exactly the faulty records are named, each with its code',
  )
  for (const { index, message } of failures) assert.ok(message, `the failure of record ${index} has no message`)
  for (const { row, code } of faulty) {
    const [only, ...more] = await failuresOf(sink, recordsFor([[2000, row]], env))
    assert.deepEqual([only?.index, only?.code, more.length], [0, code, 0], 'a faulty record that is written alone')
  }
  assert.deepEqual(await failuresOf(sink, recordsFor(b, env)), [], 'the write after it')
  for (const step of finish([], 1)) await doStep(sink, step, env, flushed)
  await shows([...a, ...b], 'next to the faulty rows')
}

const isNone = (given: unknown): given is None => typeof (given as Partial<None> | undefined)?.none === 'string'

function faultyCheck(
  name: string,
  what: 'nullKeys' | 'unencodable' | 'refused',
  of: (ready: Ready) => readonly Faulty[] | None,
): Check<SinkSubject> {
  return check(name, async (ready, { env, say }) => {
    const faulty = of(ready)
    if (isNone(faulty)) {
      assert.notEqual(faulty.none, '', `\`${what}\` must say why there are none`)
      return say(`no ${what}: ${faulty.none}`)
    }
    assert.ok(Array.isArray(faulty) && faulty.length > 0, `the setup must provide \`${what}\`, or say why it cannot`)
    await namesThem(ready, env, faulty)
  })
}

/** A valid row without each of the key's fields. */
function withoutKeys({ setup, capabilities: { key }, all }: Ready): readonly Faulty[] | None {
  const { nullKeys, schema } = setup
  if (typeof key === 'object') {
    assert.ok(!isNone(nullKeys), 'the sink identifies records by fields: the setup must list them as `nullKeys`')
    assert.deepEqual(
      [...nullKeys].toSorted(),
      [...key].toSorted(),
      '`nullKeys` must be the fields of `capabilities.key`',
    )
  }
  if (isNone(nullKeys)) return nullKeys
  return nullKeys.map((name) => {
    assert.ok(schema.fields[name]?.optional, `make ${name} optional in the setup's schema, so that it can be null`)
    return { row: { ...all.at(-1)![1], [name]: null }, code: 'null_key' }
  })
}

export const failureChecks: readonly Check<SinkSubject>[] = [
  faultyCheck('names a record with a null in its key, and stores the others', 'nullKeys', withoutKeys),
  faultyCheck(
    'names a record that cannot be encoded, and stores the others',
    'unencodable',
    ({ setup }) => setup.unencodable,
  ),
  faultyCheck('names a record that the system refuses, and stores the others', 'refused', ({ setup }) => setup.refused),
]
