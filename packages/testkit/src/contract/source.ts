/** The contract suite of sources: one call a connector. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Batch, Json, Push, Row, SourceCapabilities, SourceDefinition } from '@millrace/core'
import { type Check, register, type Scope } from './check.ts'
import { misfit } from './fits.ts'
import { loadDefinition } from './load.ts'
import { opensNothing } from './opens.ts'
import {
  badOf,
  makeSource,
  type ReadBatch,
  type ReadUntil,
  readAll,
  readContext,
  recordsOf,
  type SourceMaking,
} from './read.ts'
import { remote } from './remote.ts'
import { canonical, sameRows, sameSet } from './rows.ts'

/** What there is to read. */
export interface SourceSetup extends Omit<SourceMaking, 'push'> {
  /** The records that decode: in order where all come from one split. At least three batches of them. */
  readonly rows: readonly Row[]
  /** What does not decode, in any order. */
  readonly bad?: readonly { readonly code: string; readonly field?: string }[]
  /** To be tried by sources with `pushdown`: a projection with a rename and a date. */
  readonly push?: Push
}

/** A source to be held against the contract. */
export interface SourceSubject {
  /** The connector's module: `new URL('../src/index.ts', import.meta.url)`. A child process imports it too. */
  readonly module: string | URL
  readonly type: string
  /** Puts the same records in place each time it is called, below `scope.root` or in the real system. */
  setup(scope: Scope): SourceSetup | Promise<SourceSetup>
  /** `positions.json`, or what is in it: every shape of position ever released. The suite says what to append. */
  readonly positions?: URL | readonly SavedPosition[]
}

/** Vitest tests of the whole contract for one source. */
export const sourceContract = (subject: SourceSubject): void =>
  register(`source ${subject.type} keeps the contract`, sourceChecks, subject, 'source')

/** A released position and what comes after it. */
export interface SavedPosition {
  /** The version that wrote it first. */
  readonly since: string
  readonly position: Json
  /** What the source remembered with it, where it remembers something. */
  readonly memory?: Readonly<Record<string, Json>>
  /** Where the setup has several. */
  readonly split?: string
  /** How many records of its split come before it. */
  readonly next: number
}

interface Ready {
  readonly definition: SourceDefinition
  readonly setup: SourceSetup
  readonly making: SourceMaking
  readonly capabilities: SourceCapabilities
  read(until?: ReadUntil, making?: SourceMaking): Promise<ReadBatch[]>
}

async function prepare(subject: SourceSubject, scope: Scope): Promise<Ready> {
  const definition = await loadDefinition(subject.module, 'source', subject.type)
  const setup = await subject.setup(scope)
  const { options, schema, unknownFields = 'drop' } = setup
  const making: SourceMaking = { options, schema, unknownFields }
  const capabilities = definition.capabilities(setup.options)
  const all = setup.rows.length + (setup.bad?.length ?? 0)
  return {
    definition,
    setup,
    making,
    capabilities,
    read: (until = {}, other = making) =>
      readAll(
        makeSource(definition, other, scope.env),
        scope.env,
        capabilities.bounded ? { ...until, records: undefined } : { records: all, ...until },
      ),
  }
}

const check = (
  name: string,
  run: (ready: Ready, scope: Scope, subject: SourceSubject) => Promise<void>,
): Check<SourceSubject> => ({
  name,
  run: async (subject, scope) => run(await prepare(subject, scope), scope, subject),
})

/** What is saved once the first `n` batches are: the last position of each split, and the source's memory. */
function savedAfter(
  batches: readonly ReadBatch[],
  n: number,
): { resume: Map<string, Json>; recall: Map<string, Json> } {
  const resume = new Map<string, Json>()
  const recall = new Map<string, Json>()
  for (const { split, position, remember } of batches.slice(0, n)) {
    if (position !== undefined) resume.set(split, JSON.parse(JSON.stringify(position)) as Json)
    for (const [key, value] of remember) value === null ? recall.delete(key) : recall.set(key, value)
  }
  return { resume, recall }
}

/** At most `most` of the numbers 1..n, evenly spread, with both ends. */
const spread = (n: number, most: number): number[] =>
  n <= most
    ? Array.from({ length: n }, (_, k) => k + 1)
    : Array.from({ length: most }, (_, k) => 1 + Math.round((k * (n - 1)) / (most - 1)))

const told = ({ split, position, id, row }: { split: string; position: string | number; id: string; row: Row }) => ({
  split,
  position: String(position),
  id,
  row,
})
const toldBad = ({
  split,
  position,
  code,
  field,
}: {
  split: string
  position: string | number
  code: string
  field: string | undefined
}) => ({
  split,
  position: String(position),
  code,
  field,
})

/** All that is promised of sources. */
export const sourceChecks: readonly Check<SourceSubject>[] = [
  check('create opens nothing', async ({ definition, making }, { root, env }) => {
    await opensNothing(root, () => makeSource(definition, making, env))
  }),

  check('reads every record once', async ({ read, setup, definition }) => {
    const batches = await read()
    const records = recordsOf(batches)
    const rows = records.map((record) => record.row)
    if (new Set(batches.map((batch) => batch.split)).size === 1) sameRows(rows, setup.rows, 'read')
    else sameSet(rows, setup.rows, 'read')
    const bad = badOf(batches).map(({ code, field }) => ({ code, field }))
    sameSet(
      bad,
      (setup.bad ?? []).map(({ code, field }) => ({ code, field })),
      'what could not be decoded',
    )
    assert.equal(
      new Set(records.map((record) => record.id)).size,
      records.length,
      `source ${definition.type}: two records have the same id`,
    )
  }),

  check('gives each value the form of its declared type', async ({ read, setup }) => {
    const type = setup.unknownFields === 'keep' ? { ...setup.schema, open: true } : setup.schema
    for (const { row, position } of recordsOf(await read())) {
      const wrong = misfit(type, row)
      if (wrong) assert.fail(`the record at ${position}: ${wrong}`)
    }
  }),

  check('counts the fields that it leaves out', async ({ read, setup, making }) => {
    const { fields } = setup.schema
    const options = JSON.stringify(setup.options)
    const left = Object.keys(fields).findLast((name) => !options.includes(`"${name}"`))
    if (left === undefined) return
    const leftOut = async (declared: typeof fields) => {
      let unknown = 0
      await read(
        { onBatch: (batch) => void (unknown += batch.unknown ?? 0) },
        { ...making, schema: { fields: declared }, unknownFields: 'drop' },
      )
      return unknown
    }
    const more =
      (await leftOut(Object.fromEntries(Object.entries(fields).filter(([name]) => name !== left)))) -
      (await leftOut(fields))
    // A null may stand there or not.
    const certain = setup.rows.filter((row) => row[left] !== null).length
    const possible = setup.rows.length + (setup.bad?.length ?? 0)
    assert.ok(
      more >= certain && more <= possible,
      `${more} were counted, where ${certain} to ${possible} of the records have ${left}`,
    )
  }),

  check('announces each split before its first batch', async ({ read }) => {
    const announced = new Set<string>()
    const unannounced = new Set<string>()
    const batches = await read({
      onSplits: (splits) => splits.forEach((split) => announced.add(split)),
      onBatch: ({ split }) => {
        if (!announced.has(split)) unannounced.add(split)
      },
    })
    const splits = new Set(batches.map((batch) => batch.split))
    if (splits.size > 1 || announced.size > 0) assert.deepEqual([...unannounced], [], 'splits that came unannounced')
  }),

  check('counts the bytes of each batch', async ({ read }) => {
    for (const { records, bytes } of await read())
      if (records.length) assert.ok(bytes > 0, 'a batch of rows says that it has no bytes; all caps count them')
  }),

  check('gives positions that grow within their split', async ({ read }) => {
    const last = new Map<string, number>()
    const seen = new Set<string>()
    for (const { split, position } of (await read()).flatMap((batch) =>
      [...batch.records, ...batch.bad].sort(byPosition),
    )) {
      const key = `${split}\0${position}`
      assert.ok(!seen.has(key), `two records of split ${split} have position ${position}`)
      seen.add(key)
      if (typeof position !== 'number') continue
      assert.ok(
        position > (last.get(split) ?? Number.NEGATIVE_INFINITY),
        `split ${split}: position ${position} comes after ${last.get(split)}`,
      )
      last.set(split, position)
    }
  }),

  check('gives the same ids at each reading', async ({ read }) => {
    const [first, second] = [await read(), await read()]
    sameSet(recordsOf(second).map(told), recordsOf(first).map(told), 'read a second time')
    sameSet(badOf(second).map(toldBad), badOf(first).map(toldBad), 'bad records read a second time')
  }),

  check(
    'resumes after every batch, with the same ids whatever the borders of batches',
    async ({ read, capabilities }) => {
      if (!capabilities.replayable) return
      const whole = await read()
      const filled = whole.filter((batch) => batch.records.length + batch.bad.length > 0)
      assert.ok(
        filled.length >= 3,
        `the setup gives ${filled.length} batches: there must be three at least, so that there is something to resume after`,
      )
      for (const n of spread(whole.length, 30)) {
        const { position, records } = whole[n - 1]!
        assert.ok(
          position !== undefined || records.length === 0,
          `batch ${n} has no position, but the source calls itself replayable`,
        )
        const rest = await read({ ...savedAfter(whole, n), records: 0 })
        sameSet(recordsOf(rest).map(told), recordsOf(whole.slice(n)).map(told), `resumed after batch ${n}`)
        sameSet(badOf(rest).map(toldBad), badOf(whole.slice(n)).map(toldBad), `bad records, resumed after batch ${n}`)
      }
    },
  ),

  check(
    'resumes from every position ever released',
    async ({ read, capabilities, definition }, _scope, { positions }) => {
      if (!capabilities.replayable) return
      const whole = await read()
      const splits = [...new Set(whole.map((batch) => batch.split))]
      const saved = positions instanceof URL ? readPositions(positions) : (positions ?? [])
      const known = new Set(saved.map(({ position }) => shapeOf(position)))
      const passed = new Map<string, number>()
      for (const { position, records, split } of whole) {
        passed.set(split, (passed.get(split) ?? 0) + records.length)
        if (position === undefined || known.has(shapeOf(position))) continue
        const entry: SavedPosition = {
          since: 'this version',
          ...(splits.length > 1 ? { split } : {}),
          position,
          next: passed.get(split)!,
        }
        assert.fail(
          `test/positions.json of ${definition.type} lacks a shape of position that is written now. Append: ${JSON.stringify(entry)}`,
        )
      }
      for (const { position, memory = {}, split = splits[0]!, next } of saved) {
        const resume = new Map([[split, position]])
        const rest = recordsOf(await read({ resume, recall: new Map(Object.entries(memory)), records: 0 })).filter(
          (record) => record.split === split,
        )
        const expected = recordsOf(whole)
          .filter((record) => record.split === split)
          .slice(next)
        sameRows(rest.map(told), expected.map(told), `resumed from ${JSON.stringify(position)}`)
      }
    },
  ),

  check('stops within a second of the abort', async ({ definition, making }, { env }) => {
    for (const before of [true, false]) {
      const source = makeSource(definition, making, env)
      const stop = new AbortController()
      if (before) stop.abort()
      const reading = (async () => {
        for await (const batch of source.read(readContext({}, stop.signal))) if (!('splits' in batch)) stop.abort()
      })().catch((error) => {
        if ((error as Error).name !== 'AbortError' && !stop.signal.aborted) throw error
      })
      const first = await Promise.race([
        reading.then(() => 'ended'),
        untilAborted(stop.signal).then(() => sleep(1000, 'late', { ref: false })),
      ])
      assert.equal(
        first,
        'ended',
        `still reading a second after the abort${before ? ' that came before the first read' : ''}`,
      )
      await source.close?.()
    }
  }),

  check('leaves a batch alone once it is given out', async ({ definition, setup, making, capabilities }, { env }) => {
    const kept: { batch: Batch; rows: string; raws: string[] }[] = []
    const rawsOf = (batch: Batch) =>
      batch.rawAt ? batch.rows.map((_, i) => Buffer.from(batch.rawAt!(i)).toString('latin1')) : []
    await readAll(makeSource(definition, making, env), env, {
      ...(capabilities.bounded ? {} : { records: setup.rows.length + (setup.bad?.length ?? 0) }),
      onBatch: (batch) => kept.push({ batch, rows: canonical(batch.rows), raws: rawsOf(batch) }),
    })
    for (const { batch, rows, raws } of kept) {
      assert.equal(canonical(batch.rows), rows, `rows of split ${batch.split} changed after they were given out`)
      assert.deepEqual(
        rawsOf(batch),
        raws,
        `bytes of records of split ${batch.split} changed after they were given out: a buffer was used again`,
      )
    }
  }),

  check("gives a record's own bytes, which decode to it again", async ({ definition, setup, read }, { env }) => {
    const contexts: (Json | undefined)[] = []
    const batches = await read({ onBatch: (batch) => contexts.push(batch.context) })
    const decode = definition.decoder?.(setup.options, {
      ...env,
      schema: setup.schema,
      unknownFields: setup.unknownFields ?? 'drop',
    })
    for (const [n, { records }] of batches.entries()) {
      for (const { raw, row, position } of records) {
        if (!raw) continue
        assert.ok(raw.length > 0, `the record at ${position} has no bytes`)
        if (decode)
          sameRows([decode(raw, contexts[n])], [row], `decoded again from the bytes of the record at ${position}`)
      }
    }
    for (const { bytes, position } of badOf(batches))
      assert.ok(bytes.length > 0, `the bad record at ${position} comes without its bytes`)
  }),

  check('takes a commit twice', async ({ definition, making, read, capabilities }, { env }) => {
    const whole = await read()
    const source = makeSource(definition, making, env)
    if (!source.commit) return
    const { resume, recall } = savedAfter(whole, whole.length)
    const done = [...resume].map(([split, position]) => ({ split, position }))
    const { signal } = new AbortController()
    for (const time of ['first', 'second'])
      await assert.doesNotReject(source.commit(done, { signal }), `the ${time} commit fails`)
    await source.close?.()
    if (capabilities.replayable)
      sameSet(
        recordsOf(await read({ resume, recall, records: 0 })).map(told),
        [],
        'read after the commit of everything',
      )
  }),

  check('can say where a record is', async ({ definition, making, read }, { env }) => {
    const [first] = recordsOf(await read())
    const source = makeSource(definition, making, env)
    if (source.locate && first)
      assert.notEqual(await source.locate(first.split, first.position), '', 'locate says nothing')
    await source.close?.()
  }),

  check(
    'reads the same with projection, renames and dates pushed into it',
    async ({ setup, making, read, capabilities }) => {
      const { push } = setup
      if (!capabilities.pushdown) return
      assert.ok(push, 'the source declares pushdown: its setup must bring a `push` to try')
      const [plain, pushed] = [await read(), await read({}, { ...making, push })]
      const { compileDateParser, compileReformat } = await import('@millrace/core')
      const columns = push.columns.map(({ name, from, date }) => {
        if (!date) return { name, from, convert: (value: unknown) => value }
        const parse =
          date.to === undefined
            ? compileDateParser(date.formats, date.zone)
            : compileReformat(date.formats, date.zone, date.to)
        return { name, from, convert: (value: unknown) => (typeof value === 'string' ? parse(value) : value), date }
      })
      const expected: unknown[] = []
      const failed: unknown[] = badOf(plain).map(toldBad)
      for (const record of recordsOf(plain)) {
        const wrong = columns.find(
          ({ from, convert, date }) =>
            date && typeof record.row[from] === 'string' && convert(record.row[from]) === undefined,
        )
        if (wrong)
          failed.push({ split: record.split, position: String(record.position), code: 'bad_date', field: wrong.from })
        else
          expected.push(
            told({
              ...record,
              row: Object.fromEntries(columns.map(({ name, from, convert }) => [name, convert(record.row[from])])),
            }),
          )
      }
      sameSet(recordsOf(pushed).map(told), expected, 'with pushdown')
      sameSet(badOf(pushed).map(toldBad), failed, 'bad records with pushdown')
      for (const bad of badOf(pushed))
        if (bad.code === 'bad_date') assert.ok(bad.step, 'a record that fails in a pushed step must name the step')
    },
  ),

  check(
    'reads the same without generated code',
    async ({ setup, making, read, capabilities }, { root, env }, { module, type }) => {
      const records = capabilities.bounded ? undefined : setup.rows.length + (setup.bad?.length ?? 0)
      for (const push of setup.push ? [undefined, setup.push] : [undefined]) {
        const made = push ? { ...making, push } : making
        const request = { kind: 'source', module: String(module), type, root, id: env.id, making: made, records }
        const [twin] = (await remote(request, { MILLRACE_CODEGEN: 'off' })).answers as [ReadBatch[]]
        const whole = await read({}, made)
        sameSet(recordsOf(twin).map(told), recordsOf(whole).map(told), `interpreted${push ? ', with pushdown' : ''}`)
        sameSet(
          badOf(twin).map(toldBad),
          badOf(whole).map(toldBad),
          `bad records, interpreted${push ? ', with pushdown' : ''}`,
        )
      }
    },
  ),
]

const byPosition = (a: { position: string | number }, b: { position: string | number }): number =>
  typeof a.position === 'number' && typeof b.position === 'number' ? a.position - b.position : 0

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) =>
    signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve(), { once: true }),
  )

const readPositions = (file: URL): readonly SavedPosition[] =>
  existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as SavedPosition[]) : []

/** The structure of a position: names and kinds, without the values. */
function shapeOf(position: Json): string {
  if (position === null || typeof position !== 'object') return position === null ? 'null' : typeof position
  if (Array.isArray(position)) return `[${position.map(shapeOf).join()}]`
  return `{${Object.entries(position)
    .map(([name, value]) => `${name}:${shapeOf(value as Json)}`)
    .sort()
    .join()}}`
}
