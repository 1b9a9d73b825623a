/** What a package exports: how its sources, sinks and steps are configured, checked and created. */
import type { Problem } from '../errors/index.ts'
import type { TSchema } from 'typebox'
import type { Option, Static } from './options.ts'
import type { Json, Row } from '../record/index.ts'
import type { RecordType, Type } from '../schema/index.ts'
import type { Env } from './env.ts'
import type { Look } from './look.ts'
import type { Query, Sink, SinkCapabilities, SinkContext } from './sink.ts'
import type { Decoder, Source, SourceCapabilities, SourceContext } from './source.ts'
import type { SourceTime } from './time.ts'
import type { Inference, StepContext, Transform } from './transform.ts'
import { toOption } from './typebox.ts'

interface Named<K extends string, S extends TSchema> {
  readonly kind: K
  /** The word in the spec: `csv`, `where`. */
  readonly type: string
  /** One sentence. */
  readonly summary: string
  readonly options: S
  /** Problems that the options' schema cannot express and that need no input type. */
  check?(options: Static<S>, env: Env): readonly Problem[]
}

/**
 * Kinds of connection that a connector supports; connectors of one kind share option names, so that a profile can swap
 * them.
 */
export type ConnectionKind = 'stream' | 'documents' | 'objects' | 'warehouse' | 'endpoint'

/** Defines a source: its options, and how one is created. */
export interface SourceDefinition<S extends TSchema = Option<any>> extends Named<'source', S> {
  readonly serves?: readonly ConnectionKind[]
  capabilities(options: Static<S>): SourceCapabilities
  /** Problems with reading records of the declared type: columns whose order is not known. */
  accepts?(options: Static<S>, schema: RecordType): readonly Problem[]
  create(options: Static<S>, ctx: SourceContext): Source
  decoder?(options: Static<S>, ctx: SourceContext): Decoder
  /** The fields and types found in real data, for `pipe schema infer`; `note` gets what they leave out. */
  infer?(options: Static<S>, env: Env, signal: AbortSignal, note?: (message: string) => void): Promise<RecordType>
  /** Connects and reports what it finds or what is wrong, for `pipe doctor`. */
  probe?(options: Static<S>, env: Env, signal: AbortSignal): Promise<string>
  /**
   * What it reads, as `system:place` texts (`log:/data/log#orders`, `http:127.0.0.1:8080`). They equal those of a sink
   * that feeds it, for `pipe run A B`.
   */
  reads?(options: Static<S>, env: Env): readonly string[]
  /** It waits for requests, so it ends only if a pipeline of the same command feeds it. */
  readonly listens?: boolean
  /**
   * Looks at the stream that the options name, for people. They may be those of the sink of the same type: it relies on
   * options that both have.
   */
  look?(options: Static<S>, env: Env): Look
}

/** Defines a sink. */
export interface SinkDefinition<S extends TSchema = Option<any>> extends Named<'sink', S> {
  readonly serves?: readonly ConnectionKind[]
  capabilities(options: Static<S>): SinkCapabilities
  /**
   * Problems with writing records of this type: a type it cannot store, a key that is not a field. For columns, `at` is
   * [] and the message names the field.
   */
  accepts?(options: Static<S>, input: RecordType): readonly Problem[]
  /** How a field of this type is stored, for docs and `plan --compare`; undefined: it cannot be stored. */
  mapping?(type: Type): string | undefined
  create(options: Static<S>, ctx: SinkContext): Sink
  /** What it writes, as `system:place` texts. See `SourceDefinition.reads`. */
  writes?(options: Static<S>, env: Env): readonly string[]
  /** A new run stops if results of an earlier one are there, unless told otherwise by `existing`. */
  stopsAtExisting?(options: Static<S>): boolean
  query?(options: Static<S>, env: Env, query: Query, signal: AbortSignal): AsyncIterable<Row>
  /** Whether `query` sorts by fields of this type exactly as expressions compare them, and other values as null. */
  sorts?(type: Type): boolean
  /**
   * How `query` finds the documents with certain values in these fields: by key or index, by reading all, or not at all
   * unless it is told to `scan`. None: all documents are wanted.
   */
  lookUp?(options: Static<S>, fields: readonly string[]): 'index' | 'all' | 'refused'
  /**
   * For a sink without `query` whose dead letters can be read back: the options with which the source of the same type
   * reads what it has written.
   */
  readBack?(options: Static<S>): Json
  probe?(options: Static<S>, env: Env, signal: AbortSignal): Promise<string>
}

/** Defines a step. */
export interface TransformDefinition<S extends TSchema = Option<any>> extends Named<'transform', S> {
  /** Keeps memory across records, saved with the positions. */
  readonly stateful?: boolean
  /**
   * What saved memory depends on, in addition to the step's type: with a different value, the memory belongs to a
   * different step. Absent: all its options and the types of all its input fields. Leave out caps, and fields that the
   * step does not use.
   */
  memory?(options: Static<S>, ctx: StepContext): Json
  /**
   * Its output depends on the order of records from several lanes, or on the clock: that order is logged before the
   * first effect that depends on it, so that a restart repeats it. `true`: because of its memory; where that is kept
   * separately for each split, the order does not matter. A function: because of the watermark or the clock, which all
   * lanes share.
   */
  readonly ordered?: boolean | ((options: Static<S>, times: Readonly<Record<string, SourceTime>>) => boolean)
  /** It aggregates records: one that arrives twice is counted twice. */
  readonly counts?: boolean
  /**
   * It uses the event time of its records: every source that reaches it must have one. `arrival`: only the time of
   * arrival will do, since it has no output for records that are late.
   */
  needsTime?(options: Static<S>): 'any' | 'arrival' | undefined
  /**
   * It may emit a result several times, each time replacing the one before: the fields that identify a result;
   * undefined: it does not. Only steps that give exactly one record for one, and sinks with a key made of these fields,
   * may follow.
   */
  updates?(options: Static<S>): readonly string[] | undefined
  /** It removes repeated records within this bound, described in words; undefined: not with these options. */
  removesRepeats?(options: Static<S>): string | undefined
  /**
   * It emits results only when the input has ended, so it needs a bounded run. A function if that depends on the
   * config.
   */
  readonly needsEnd?: boolean | ((options: Static<S>) => boolean)
  /**
   * Its output has the type of its input, whatever its options, so the check can continue downstream of a faulty step.
   */
  readonly keeps?: boolean
  /**
   * It gives exactly one record for each, so a result that is emitted again replaces the one before behind it as well.
   * A function if that depends on the config.
   */
  readonly oneForOne?: boolean | ((options: Static<S>) => boolean)
  /** Each record goes to one of its named outputs only. */
  readonly routes?: boolean
  /** It makes several records from one: their ids get a path. A function if that depends on the config. */
  readonly multiplies?: boolean | ((options: Static<S>) => boolean)
  /**
   * The fields that determine which memory a record belongs to; undefined: all records share one. For `partitionedBy`.
   */
  keyedBy?(options: Static<S>): readonly string[] | undefined
  /** Side inputs that this config needs, by name: the config of a source, or the id of a source of the spec. */
  sideInputs?(options: Static<S>): Readonly<Record<string, SideInput>>
  infer(options: Static<S>, ctx: StepContext): Inference
  create(options: Static<S>, ctx: StepContext): Transform
}

/** A side input of a step: a source of the spec by id, or one that the step declares. */
export type SideInput =
  | { readonly source: string }
  | { readonly type: string; readonly config: Readonly<Record<string, unknown>>; readonly schema: RecordType }

/** What a connector package exports. */
export type Definition = SourceDefinition | SinkDefinition | TransformDefinition

/**
 * A definition with its options as the check reads them; throws `connector_broken` for what an option cannot express.
 */
const defined = <D extends { readonly options: TSchema }>(definition: D) => ({
  ...definition,
  options: toOption(definition.options),
})

/** Defines a source; its options are built with `option` or TypeBox. */
export const defineSource = <S extends TSchema>(definition: SourceDefinition<S>) =>
  defined(definition) as unknown as SourceDefinition<Option<Static<S>>>
/** Defines a sink; its options are built with `option` or TypeBox. */
export const defineSink = <S extends TSchema>(definition: SinkDefinition<S>) =>
  defined(definition) as unknown as SinkDefinition<Option<Static<S>>>
/** Defines a step; its options are built with `option` or TypeBox. */
export const defineTransform = <S extends TSchema>(definition: TransformDefinition<S>) =>
  defined(definition) as unknown as TransformDefinition<Option<Static<S>>>
