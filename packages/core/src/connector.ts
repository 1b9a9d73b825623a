/**
 * The contract between the engine and a connector or step.
 *
 * The engine's loop is `read -> transform -> write -> flush -> save -> publish -> commit`. What a restart resumes from is a position per split, saved in one
 * transaction with all state; there are no acknowledgements. Optional methods are capabilities: leave one out and you say "cannot".
 *
 * Rules for all: `create` does no I/O and must not throw for valid options (`check` and `plan` call it). Whatever waits takes a signal and ends within one
 * second of its abort. A failure of the system outside is thrown as `SystemError`; a bad record is never thrown: a source lists it in `Batch.bad`, a step
 * calls `out.fail`, a sink throws `PartialWriteError`. Connectors keep no timers running and log nothing; `ctx.warn` tells a person that something was recovered.
 */
import type { Problem } from './errors.ts'
import type { OptionSchema, Static } from './options.ts'
import type { Batch, Json, Records, Row, SplitsFound } from './record.ts'
import type { RecordType, Type } from './schema.ts'

export type { Problem } from './errors.ts'

/** Where a connector stands: given to every `create`, `query` and `probe`. */
export interface Env {
  /** The project's folder, absolute. */
  readonly root: string
  /** The profile's data folder, `<root>/.millrace/<profile>`, absolute: the embedded store and log live here. */
  readonly home: string
  readonly profile: string
  /** The pipeline's name. */
  readonly pipeline: string
  /** The id of this source, step or sink in its pipeline. */
  readonly id: string
  /** A path option made absolute, relative to the project's folder. */
  resolve(path: string): string
}

/** An instance of several that share the splits: `i` in 0..n-1. */
export interface Instance {
  readonly i: number
  readonly n: number
}

// --- sources ---------------------------------------------------------------------------------------------------------------------------------------

/** What a source is given to read by. */
export interface ReadContext {
  /** Aborted when the run stops. `read` must then return, or throw, within a second. */
  readonly signal: AbortSignal
  /** Where this split was left: the position of the last batch that was saved; undefined: never seen. */
  resume(split: string): Json | undefined
  /** The source's own saved memory; see `Batch.remember`. */
  recall(key: string): Json | undefined
  /** False: hold this split back for now, it runs ahead of the others. Ask before each read of a split where several are read side by side. */
  wants(split: string): boolean
  readonly instance: Instance
  /** Tell a person that something was recovered and nothing is lost. */
  warn(message: string): void
}

/** What became of one record of a request, for sources that answer. */
export interface Answer {
  readonly position: string | number
  readonly outcome: 'taken' | 'refused' | 'failed' | 'dropped'
  /** The record as it is at the step named by `answer:`, of the type `SourceContext.answer`. */
  readonly row?: Row
  readonly errors?: readonly { readonly code: string; readonly field?: string; readonly message?: string }[]
}

/** A split's progress that is now durable. */
export interface Done {
  readonly split: string
  readonly position?: Json
  /** For sources that answer, where all records of the request were taken, as nearly always: those that `Answer.row` would show, in the batch's order. */
  readonly taken?: readonly Row[]
  /** For sources that answer, where not all were: each record's outcome. */
  readonly answers?: readonly Answer[]
}

/** Where records come from. `create` of its definition makes one per run. */
export interface Source {
  /**
   * Yields batches until the input ends or the signal aborts. Batches of one split come in order; several splits may interleave. Each split is announced
   * with `SplitsFound` before its first batch, unless the source has exactly one. Called again (after `resume` moved on) when it threw a `SystemError`
   * that can be retried. Yield about 1,000 rows at a time; a batch belongs to the engine once yielded and its buffers must not be reused.
   */
  read(ctx: ReadContext): AsyncIterable<Batch | SplitsFound>
  /** What is durable, after the save. A report (throttled, failures counted) or a duty (answer, delete, move: a failure stops the run): `capabilities.commit`. */
  commit?(done: readonly Done[], ctx: { readonly signal: AbortSignal }): Promise<void>
  /**
   * For sources that answer: what is to be remembered of these outcomes (the answer under an idempotency key), saved with their epoch. Synchronous; called
   * before the save, `commit` with the same outcomes after it.
   */
  remember?(done: readonly Done[]): readonly (readonly [key: string, value: Json | null])[]
  /** The place of a record's position in words for a message: `data/retail.csv:1234 (byte 56789)`. Absent: split and position are shown. */
  locate?(split: string, position: string | number): Promise<string>
  close?(): Promise<void>
}

/** What a source can do, told from its options; the check and the loop go by it. */
export interface SourceCapabilities {
  /** The input ends by itself. */
  readonly bounded: boolean
  /** Positions survive: after a crash the same records come again under the same positions. False: at-most-once input; check says so. */
  readonly replayable: boolean
  /** `split`: each split has its own watermark; `one`: all splits share one. */
  readonly lanes: 'split' | 'one'
  /** Projection, renames and date conversion may be pushed into it (`SourceContext.push`). */
  readonly pushdown?: boolean
  readonly commit?: 'report' | 'duty'
  /** Its commits carry each record's outcome. */
  readonly answers?: boolean
  /** Bad data is refused to the sender instead of stopping the run or going to the dead letter. */
  readonly refuses?: boolean
  /** Several instances may share its splits: they are named by numbers, and instance i of n reads those with number % n = i, no others. */
  readonly shares?: boolean
}

/**
 * Date conversion pushed into a source: text in one of `formats` (date.ts) becomes `to`-formatted text, or epoch ms where `to` is absent. A text that fits none
 * is a bad record with code `bad_date`, the field, and this step's id.
 */
export interface DateRule {
  readonly step: string
  readonly formats: readonly string[]
  readonly zone: string
  readonly to?: string
  /** The field's name at that step, for the bad record. Absent: the name in the source's schema. */
  readonly field?: string
  /** Where several rules fail on one record, it fails by that of the lowest order, as it does without the push. Absent: the column's place. */
  readonly order?: number
}

/** What was pushed down: exactly these columns, in this order; `from` is the name in the source's schema. */
export interface Push {
  readonly columns: readonly { readonly name: string; readonly from: string; readonly date?: DateRule }[]
}

/** What `create` of a source is given beside its options. */
export interface SourceContext extends Env {
  /** The declared type of the decoded record, before any push. */
  readonly schema: RecordType
  readonly unknownFields: 'drop' | 'error' | 'keep'
  readonly push?: Push
  /** For sources that answer: the type of the records that its answers show; absent: they are those that it reads. */
  readonly answer?: RecordType
}

/** Decodes one record's original bytes again, for dead-letter replay. Throws `DataError`. `context`: what the batch brought as `Batch.context`. */
export type Decoder = (bytes: Uint8Array, context: Json | undefined) => Row

// --- sinks -----------------------------------------------------------------------------------------------------------------------------------------

/** What a sink is opened with. */
export interface OpenContext {
  readonly signal: AbortSignal
  /** The number of this run from beginning to end; it grows when a pipeline is run anew. */
  readonly incarnation: number
  /** What the last saved `flush` left as `resume`, of this incarnation; undefined at its start. */
  readonly restore?: Json
  /** What to do with results of an earlier incarnation that this run would overwrite or add to; `run --replace|--keep` set it, over the option `existing`. */
  readonly existing?: 'stop' | 'replace' | 'keep'
  readonly instance: Instance
  /** The run has an end that a flush will tell (`end`); else results that wait for it would never be seen. */
  readonly whole?: boolean
  warn(message: string): void
}

/** What a write belongs to. */
export interface WriteContext {
  readonly signal: AbortSignal
  /** Until the save, the same epoch may come again with other content: replace what it wrote, never skip it. */
  readonly epoch: number
}

/** What a flush leaves behind; saved with the positions. */
export interface Flushed {
  /** Given to `open` as `restore` after a restart. Absent: the value saved last stays. */
  readonly resume?: Json
  /** What is durable but not visible yet; each is given to `publish`. */
  readonly stages?: readonly Json[]
}

/** Where records go. `create` of its definition makes one per run. */
export interface Sink {
  /** Connect and restore. At start, all sinks are opened, then leftover stages are published; so `open` never touches a staged file. */
  open?(ctx: OpenContext): Promise<void>
  /**
   * Take these records, in order. On return they are the sink's: in the store, or buffered for `flush`. Called one at a time per sink.
   * Must give the same result when the same records come again (by key or id), or its label says so. Retries of the transport are the engine's: throw.
   */
  write(records: Records, ctx: WriteContext): Promise<void> | void
  /** A roll bound (size, records, time) is reached. Asked after writes and now and then. */
  full?(): boolean
  /**
   * Make what was written durable where no reader sees it. `roll`: finish the open files and hand them out as stages. `end`: the input has ended.
   * A sink with `capabilities.holds` is only flushed with `roll: true`.
   */
  flush?(ctx: {
    readonly signal: AbortSignal
    readonly epoch: number
    readonly roll: boolean
    readonly end: boolean
  }): Promise<Flushed>
  /** Make a stage visible; after the save; idempotent; repeated at the next start until it is recorded as done. */
  publish?(stage: Json, ctx: { readonly signal: AbortSignal }): Promise<void>
  /** Always called, also after failures. */
  close?(): Promise<void>
}

/** What a sink can promise, told from its options. */
export interface SinkCapabilities {
  readonly label: 'at-least-once' | 'effectively-once'
  /** How the label is kept, or why not more: `upsert by record id`. */
  readonly how: string
  /** It can resume only at a roll, so the checkpoint waits for it. */
  readonly holds?: boolean
  /** Takes updates of a key (needed where windows fire again). */
  readonly keyed?: boolean
}

/** What `create` of a sink is given beside its options. */
export interface SinkContext extends Env {
  readonly schema: RecordType
}

/** A question to a documents store or table. */
export interface Query {
  readonly collection: string
  /** What is known of the documents' fields, as of the sink that writes them: rows have its forms in memory; a value that is none of its type stays as JSON. */
  readonly type?: RecordType
  /** CEL over the documents. `where.equals` holds what is a plain equality, for stores that can look up; `test` must be applied to every document all the same. */
  readonly where?: { readonly equals: Readonly<Record<string, unknown>>; test(row: Row): boolean }
  readonly sort?: readonly { readonly field: string; readonly descending: boolean }[]
  readonly limit?: number
}

// --- steps -----------------------------------------------------------------------------------------------------------------------------------------

/** Where a step puts what is not its plain output. Indexes are into the input's rows. */
export interface Output {
  /** Row i cannot pass: it goes where `on_error` says. Call it at most once a row, and leave the row out of the output. */
  fail(i: number, code: string, more?: { readonly field?: string; readonly message?: string }): void
  /** To a named output (`late`, a branch of `route`). */
  side(name: string, row: Row, i: number): void
  /** A result without origin, known by its key: from `advance`. `time`: its event time. */
  result(row: Row, key: string, time?: number): void
  /** A result that cannot be told (a sum that does not fit), known by its key; `row`: what is known of it. */
  failResult(row: Row, key: string, code: string, more?: { readonly field?: string; readonly message?: string }): void
}

/** What a step made of its input. */
export interface Applied {
  readonly rows: readonly Row[]
  /** For each output row the index of the input row it came from, ascending; absent: 1:1. */
  readonly origins?: Int32Array
  /** How many input rows went into the step's memory, to come out as results; for the balance. */
  readonly held?: number
  /** Named outputs, as an array form of `out.side`. */
  readonly sides?: Readonly<Record<string, { readonly rows: readonly Row[]; readonly origins: Int32Array }>>
}

/** A step. Synchronous but for `prepare`; never throws for data. */
export interface Transform {
  /** Before the first record: load the user's code. The one place for I/O. */
  prepare?(ctx: { readonly signal: AbortSignal }): Promise<void>
  /** The rows of a side input, whole, before the first record; in calls of about 1,000 rows. Throws `MillraceError` (duplicate keys, too large). */
  load?(side: string, rows: readonly Row[]): void
  apply(input: Records, out: Output): Applied
  /** Time has come to `watermark` (ms UTC; Infinity: the end of a whole run). False: `out` is full, call again. */
  advance?(watermark: number, out: Output): boolean
  /** A step with state owns its memory; these are the entries saved last. */
  restore?(entries: Iterable<readonly [key: string, value: string]>): void
  /** The encoded changes since the last cut; null: gone. Synchronous: no record of the next epoch is applied before it returns. */
  cut?(): readonly (readonly [key: string, value: string | null])[]
}

/** What a step makes of its input's type. */
export interface Inference {
  /** The type of its plain output; absent: it has none (route). */
  readonly output?: RecordType
  /** Types of its named outputs. */
  readonly sides?: Readonly<Record<string, RecordType>>
  readonly problems: readonly Problem[]
  /** The same effect as columns to be pushed into a source; `push` gets the columns so far. */
  readonly push?: (columns: Push['columns'], step: string) => Push['columns'] | undefined
}

/** What a step is told of its input. */
export interface StepContext extends Env {
  readonly input: RecordType
  /** Types of side inputs, by name. */
  readonly sides: Readonly<Record<string, RecordType>>
}

// --- definitions -----------------------------------------------------------------------------------------------------------------------------------

interface Named<K extends string, S extends OptionSchema> {
  readonly kind: K
  /** The word in the spec: `csv`, `where`. */
  readonly type: string
  /** One sentence. */
  readonly summary: string
  readonly options: S
  /** Problems beyond the options' schema that need no input type. */
  check?(options: Static<S>, env: Env): readonly Problem[]
}

/** Kinds of connection a connector can serve; those of one kind share option names, so that a profile swaps them. */
export type ConnectionKind = 'stream' | 'documents' | 'objects' | 'warehouse' | 'endpoint'

/** What a package says about a source: its options, and how one is made. */
export interface SourceDefinition<S extends OptionSchema = OptionSchema<any>> extends Named<'source', S> {
  readonly serves?: readonly ConnectionKind[]
  capabilities(options: Static<S>): SourceCapabilities
  create(options: Static<S>, ctx: SourceContext): Source
  decoder?(options: Static<S>, ctx: SourceContext): Decoder
  /** The fields and types found in real data, for `pipe schema infer`. */
  infer?(options: Static<S>, env: Env, signal: AbortSignal): Promise<RecordType>
  /** Connect and say what is there or what is wrong, for `pipe doctor`. */
  probe?(options: Static<S>, env: Env, signal: AbortSignal): Promise<string>
  /** What it reads, as `system:place` texts (`log:/data/log#orders`, `http:127.0.0.1:8080`): equal to what a sink that feeds it names, for `pipe run A B`. */
  reads?(options: Static<S>, env: Env): readonly string[]
  /** It waits for others to send: it has an end only where a pipeline of the same command feeds it. */
  readonly listens?: boolean
}

/** What a package says about a sink. */
export interface SinkDefinition<S extends OptionSchema = OptionSchema<any>> extends Named<'sink', S> {
  readonly serves?: readonly ConnectionKind[]
  capabilities(options: Static<S>): SinkCapabilities
  /** What is wrong with writing records of this type: a type it cannot hold, a key that is no field. `at` [] with `field` in the message for columns. */
  accepts?(options: Static<S>, input: RecordType): readonly Problem[]
  /** How a field of this type is stored, for docs and `plan --compare`; undefined: it cannot hold it. */
  mapping?(type: Type): string | undefined
  create(options: Static<S>, ctx: SinkContext): Sink
  /** What it writes, as `system:place` texts. See `SourceDefinition.reads`. */
  writes?(options: Static<S>, env: Env): readonly string[]
  query?(options: Static<S>, env: Env, query: Query, signal: AbortSignal): AsyncIterable<Row>
  probe?(options: Static<S>, env: Env, signal: AbortSignal): Promise<string>
}

/** What a package says about a step. */
export interface TransformDefinition<S extends OptionSchema = OptionSchema<any>> extends Named<'transform', S> {
  /** Keeps memory over records: saved with the positions. */
  readonly stateful?: boolean
  /** It gives results only when the input has ended, so it needs a run from beginning to end. A function where it depends on the config. */
  readonly needsEnd?: boolean | ((options: Static<S>) => boolean)
  /** What it gives has the type of its input, whatever its options: the check then goes on below a step that is wrong. */
  readonly keeps?: boolean
  /** Makes several records of one: the id gets a path. A function where it depends on the config. */
  readonly multiplies?: boolean | ((options: Static<S>) => boolean)
  /** Side inputs this config needs, by name: the config of a source read whole before the first record, or the id of a source of the spec. */
  sides?(options: Static<S>): Readonly<Record<string, SideInput>>
  infer(options: Static<S>, ctx: StepContext): Inference
  create(options: Static<S>, ctx: StepContext): Transform
}

/** What a step reads whole before its first record: a source of the spec by id, or one of its own. */
export type SideInput =
  | { readonly source: string }
  | { readonly type: string; readonly config: Readonly<Record<string, unknown>>; readonly schema: RecordType }

/** What a connector package exports. */
export type Definition = SourceDefinition | SinkDefinition | TransformDefinition

/** Typed as what its options say; returns its argument. */
export const defineSource = <S extends OptionSchema>(definition: SourceDefinition<S>): SourceDefinition<S> => definition
export const defineSink = <S extends OptionSchema>(definition: SinkDefinition<S>): SinkDefinition<S> => definition
export const defineTransform = <S extends OptionSchema>(definition: TransformDefinition<S>): TransformDefinition<S> =>
  definition
