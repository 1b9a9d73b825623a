/** The surroundings of a sink's contract suite: the place to write to, and the sink driven step by step. */
import assert from 'node:assert/strict'
import type { Flushed, Json, Row, Sink, SinkCapabilities, SinkDefinition } from '@millrace/core'
import type { Check, None, Scope } from './check.ts'
import { loadDefinition } from './load.ts'
import { remote } from './remote.ts'
import { canonical, sameSet } from './rows.ts'
import type { WireSink } from './wire.ts'
import { doStep, makeSink, type Numbered, type SinkMaking, type SinkScript, type SinkStep } from './script.ts'

/** A row that can never be stored, and the code that the sink must report for it. */
export interface Faulty {
  readonly row: Row
  readonly code: string
}

/** A place to write to. */
export interface SinkSetup extends SinkMaking {
  /** At least 12 records of the schema, no two alike. */
  readonly rows: readonly Row[]
  /**
   * What a reader of the destination finds now, in any order, as rows like `rows`. Absent: it cannot be read (a
   * console).
   */
  visible?(): readonly Row[] | Promise<readonly Row[]>
  /**
   * Fields without which no record can be written: those of the key, optional in the schema. The suite omits each in
   * turn and expects `null_key`.
   */
  readonly nullKeys: readonly string[] | None
  /** Rows with a value that cannot be encoded: a time in the year 10000, an unpaired surrogate. */
  readonly unencodable: readonly Faulty[] | None
  /** Rows that can be encoded and that the system refuses. */
  readonly refused: readonly Faulty[] | None
  /** Makes the system accept what it is sent without answering. Returns a function that ends this. */
  readonly hang: (() => Promise<() => unknown> | (() => unknown)) | None
  /** Two rows with the same key; if the key is the record's id, any two. For keyed sinks. */
  readonly updates?: readonly [Row, Row]
  /** Results of an earlier run stop a new one unless it may replace or keep them. */
  readonly guardsExisting?: boolean
}

/** A sink under test. */
export interface SinkSubject {
  /** The connector's module: `new URL('../src/index.ts', import.meta.url)`. A child process imports it too. */
  readonly module: string | URL
  readonly type: string
  /** Creates an empty place to write to, below `scope.root` or in the real system. */
  setup(scope: Scope): SinkSetup | Promise<SinkSetup>
  /** For sinks of streams. */
  readonly wire?: WireSink | None
}

export interface Ready {
  readonly definition: SinkDefinition
  readonly setup: SinkSetup
  readonly capabilities: SinkCapabilities
  /** All rows with their positions. */
  readonly all: Numbered
  /** A third of them each. */
  readonly parts: readonly [Numbered, Numbered, Numbered]
  /** A new sink, closed at the end of the check. */
  start(steps: SinkScript): Promise<{ sink: Sink; flushed: Flushed[] }>
  /** The same in a child that is killed by SIGKILL at the script's end; returns the results of its flushes. */
  killed(steps: SinkScript): Promise<Flushed[]>
  /** A reader finds what was written: once, or at least once if the label says so. */
  shows(expected: Numbered, what: string): Promise<void>
}

async function prepare(subject: SinkSubject, scope: Scope): Promise<Ready> {
  const { env, root } = scope
  const definition = await loadDefinition(subject.module, 'sink', subject.type)
  const setup = await subject.setup(scope)
  const capabilities = definition.capabilities(setup.options)
  const all = setup.rows.map((row, i) => [i, row] as const)
  assert.ok(all.length >= 12, 'the setup must provide at least 12 rows')
  const third = Math.ceil(all.length / 3)
  const making = { options: setup.options, schema: setup.schema }
  return {
    definition,
    setup,
    capabilities,
    all,
    parts: [all.slice(0, third), all.slice(third, 2 * third), all.slice(2 * third)],
    async start(steps) {
      const sink = makeSink(definition, making, env)
      scope.defer(() => sink.close?.())
      const flushed: Flushed[] = []
      for (const step of steps) await doStep(sink, step, env, flushed)
      return { sink, flushed }
    },
    async killed(steps) {
      const request = {
        kind: 'sink',
        module: String(subject.module),
        type: subject.type,
        root,
        id: env.id,
        making,
        script: [...steps, { do: 'die' }],
      }
      const { answers, killed } = await remote(request)
      assert.ok(killed, 'the child should have been killed')
      return carried(answers as Flushed[])
    },
    async shows(expected, what) {
      if (!setup.visible) return
      const [found, wanted] = [await setup.visible(), expected.map(([, row]) => row)]
      if (capabilities.label === 'effectively-once') return sameSet(found, wanted, what)
      const kinds = (rows: readonly Row[]) => [...new Map(rows.map((row) => [canonical(row), row])).values()]
      sameSet(kinds(found), kinds(wanted), `${what} (at least once)`)
    },
  }
}

/** The flushes as a store saves them: a flush without `resume` keeps the previous value. */
export function carried(flushes: readonly Flushed[]): Flushed[] {
  const saved: Flushed[] = []
  for (const { resume = saved.at(-1)?.resume, stages } of flushes) saved.push({ resume, stages })
  return saved
}

export const check = (
  name: string,
  run: (ready: Ready, scope: Scope, subject: SinkSubject) => Promise<void>,
): Check<SinkSubject> => ({
  name,
  run: async (subject, scope) => run(await prepare(subject, scope), scope, subject),
})

export const open = (
  saved?: Flushed,
  more: { existing?: 'stop' | 'replace' | 'keep'; incarnation?: number } = {},
): SinkStep => (saved?.resume === undefined ? { do: 'open', ...more } : { do: 'open', restore: saved.resume, ...more })
export const flush = (epoch: number, roll: boolean): SinkStep => ({ do: 'flush', epoch, roll, end: false })
export const publish: SinkStep = { do: 'publish' }
/** Writes of `size` records each. */
export function writes(records: Numbered, epoch: number, size: number): SinkStep[] {
  const steps: SinkStep[] = []
  for (let at = 0; at < records.length; at += size)
    steps.push({ do: 'write', records: records.slice(at, at + size), epoch })
  return steps
}
/** The rest of a run: write, flush with the end of the input, publish, close. */
export const finish = (records: Numbered, epoch: number, size = 4): SinkStep[] => [
  ...writes(records, epoch, size),
  { do: 'flush', epoch, roll: true, end: true },
  publish,
  { do: 'close' },
]
/** What the engine does first after a restart: publishes stages that were saved but not recorded as published. */
export const leftovers = (saved: Flushed | undefined): SinkStep[] =>
  (saved?.stages ?? []).map((stage: Json) => ({ do: 'publish', stage }) as const)
