/** Shared by the checks of the source suite: the source under test, ready to be read. */
import type { Json, Push, Row, SourceCapabilities, SourceDefinition } from '@millrace/core'
import type { Check, None, Scope } from '../check.ts'
import { loadDefinition } from '../load.ts'
import type { WireSource } from '../wire.ts'
import { makeSource, type ReadBatch, type ReadUntil, readAll, type SourceMaking } from '../read.ts'

/** The content of the place to read. */
export interface SourceSetup extends Omit<SourceMaking, 'push'> {
  /** The records that decode: in order if all come from one split. At least three batches of them. */
  readonly rows: readonly Row[]
  /** Those that do not decode, in any order. */
  readonly bad?: readonly { readonly code: string; readonly field?: string }[]
  /** To try with sources with `pushdown`: a projection with a rename and a date. */
  readonly push?: Push
  /** To try with sources with `skips`: a condition on the fields of the schema that drops many records. */
  readonly condition?: string
  /**
   * Replaces the store that was read by a different one, under the same options. Absent: a source cannot detect this.
   */
  replace?(): void | Promise<void>
}

/** A source under test. */
export interface SourceSubject {
  /** The connector's module: `new URL('../src/index.ts', import.meta.url)`. A child process imports it too. */
  readonly module: string | URL
  readonly type: string
  /** Puts the same records in place each time it is called, below `scope.root` or in the real system. */
  setup(scope: Scope): SourceSetup | Promise<SourceSetup>
  /** For sources of streams. */
  readonly wire?: WireSource | None
  /** `positions.json`, or its content: every shape of position ever released. The suite prints what to append. */
  readonly positions?: URL | readonly SavedPosition[]
}

/** A released position and what comes after it. */
export interface SavedPosition {
  /** The version that wrote it first. */
  readonly since: string
  readonly position: Json
  /** What the source saved in its memory with it, if anything. */
  readonly memory?: Readonly<Record<string, Json>>
  /** If the setup has several. */
  readonly split?: string
  /** How many records of its split precede it. */
  readonly next: number
}

export interface ReadySource {
  readonly definition: SourceDefinition
  readonly setup: SourceSetup
  readonly making: SourceMaking
  readonly capabilities: SourceCapabilities
  /** Reads everything, unless the options say otherwise, and closes the source. */
  read(until?: ReadUntil, making?: SourceMaking): Promise<ReadBatch[]>
}

async function prepare(subject: SourceSubject, scope: Scope): Promise<ReadySource> {
  const definition = await loadDefinition(subject.module, 'source', subject.type)
  const setup = await subject.setup(scope)
  const { options, schema, unknownFields = 'drop' } = setup
  const making: SourceMaking = { options, schema, unknownFields }
  const capabilities = definition.capabilities(setup.options)
  const all = setup.rows.length + (setup.bad?.length ?? 0)
  const { bounded, lanes } = capabilities
  return {
    definition,
    setup,
    making,
    capabilities,
    read: (until = {}, other = making) =>
      readAll(
        makeSource(definition, other, scope.env),
        scope.env,
        bounded ? { lanes, ...until, records: undefined } : { lanes, records: all, ...until },
      ),
  }
}

export const check = (
  name: string,
  run: (ready: ReadySource, scope: Scope, subject: SourceSubject) => Promise<void>,
): Check<SourceSubject> => ({
  name,
  run: async (subject, scope) => run(await prepare(subject, scope), scope, subject),
})

/** What is saved once the first `n` batches are: the last position of each split, and the source's memory. */
export function savedAfter(
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

/** At most `most` of the numbers 1..n, evenly spread, including both ends. */
export const spread = (n: number, most: number): number[] =>
  n <= most
    ? Array.from({ length: n }, (_, k) => k + 1)
    : Array.from({ length: most }, (_, k) => 1 + Math.round((k * (n - 1)) / (most - 1)))

/** A record as compared. */
export const told = ({
  split,
  position,
  id,
  row,
}: {
  split: string
  position: string | number
  id: string
  row: Row
}) => ({ split, position: String(position), id, row })

/** A bad record as compared. */
export const toldBad = ({
  split,
  position,
  code,
  field,
}: {
  split: string
  position: string | number
  code: string
  field: string | undefined
}) => ({ split, position: String(position), code, field })
