/**
 * The plan: the meaning of a checked spec as plain JSON, independent of the engine that runs it. Names are bound,
 * options resolved (durations in ms, sizes in bytes, defaults filled in), types known at every point, steps put in
 * order, and everything that is pushed down into a source is shown next to the step it comes from. Secrets stay
 * references and appear nowhere in it. `version` is incremented when readers of plans have to change.
 *
 * Inside `config`, `{ "$secret": "name" }` stands for the value of a secret, and `{ "$secrets": ["mongodb://u:", {
 * "$secret": "name" }, "@host"] }` for text that contains some; `resolveConfig` turns both into `Secret`s.
 */
import type { DeliveryLabel } from '../check/checked.ts'
import type { EventTime, Push, SinkCapabilities, SourceCapabilities, SourceTime } from '../connector/index.ts'
import type { Json } from '../record/index.ts'
import type { RecordType } from '../schema/index.ts'
import type { RetryRule } from '../spec/retry.ts'

/** What happens to a bad record. */
export type OnError = 'stop' | 'dead_letter' | 'drop'

/**
 * The delivery guarantees of a pipeline. `at-most-once` is the weakest: an input that cannot be read twice loses what
 * was not saved when the process dies.
 */
export type { DeliveryLabel }

/** Everything that a run needs, except secrets. */
export interface Plan {
  readonly version: 1
  readonly name: string
  readonly description?: string
  /** The project's name in millrace.yaml. */
  readonly project?: string
  readonly profile: string
  readonly runs: 'whole' | 'continue'
  /**
   * `weakest`: the node that prevents a better label, and why. `within`: the bounds within which the label holds, in
   * words. `required`: what the spec demands.
   */
  readonly delivery: {
    readonly label: DeliveryLabel
    readonly weakest: string
    readonly within?: readonly string[]
    readonly required?: DeliveryLabel
  }
  readonly parallelism: number
  /** When `pipe serve` runs it. Absent: an endless one stays up, another waits to be triggered. */
  readonly schedule?: PlanSchedule
  readonly sources: readonly PlanSource[]
  /** In topological order: a step comes after everything it reads. */
  readonly steps: readonly PlanStep[]
  readonly sinks: readonly PlanSink[]
  /** `stopAbove`: the share of bad records among the last 10,000 of a source that stops the run. */
  readonly deadLetter?: PlanSink & { readonly stopAbove?: number }
  /** The pipeline's default. */
  readonly onError: OnError
  /** A hash of everything that determines the output: the plan without descriptions and places. */
  readonly specHash: string
}

/** When a pipeline is run by `pipe serve`. */
export interface PlanSchedule {
  /** By the clock, or once each of these pipelines has ended a run. */
  readonly start: { readonly cron: string; readonly timezone: string } | { readonly after: readonly string[] }
  /** How often a failed run is tried again, and the wait before the first of these attempts. */
  readonly retries: number
  readonly backoffMs: number
  readonly overlap: 'skip' | 'wait'
  readonly catchUp: 'none' | 'latest' | 'all'
}

/** Properties that sources, steps and sinks have in common. */
export interface PlanNode {
  readonly id: string
  /** The word in the spec: `csv`, `where`. */
  readonly type: string
  /** The npm package of the definition. */
  readonly package: string
  readonly config: Json
  /** The connection it was bound by, if any. */
  readonly connection?: string
  /** The description in the spec. */
  readonly description?: string
  /** How long failures of its system are retried, if the spec says so. */
  readonly retry?: RetryRule
}

/** A source. */
export interface PlanSource extends PlanNode {
  /** The declared type of a decoded record, before any pushdown. */
  readonly schema: RecordType
  readonly unknownFields: 'drop' | 'error' | 'keep'
  /** The type of its rows, after pushdown. */
  readonly output: RecordType
  readonly push?: Push
  /** Ids of the steps that are pushed down into it, in order. */
  readonly pushed: readonly string[]
  readonly capabilities: SourceCapabilities
  /** A side input of a step: read completely before the first record, and not part of the flow. */
  readonly side?: boolean
  readonly onError: OnError | 'refuse'
  /**
   * For sources that answer: the node whose row is returned (absent: none), and whether good records of a request pass
   * despite bad ones.
   */
  readonly answer?: { readonly from?: string; readonly partial: boolean }
  readonly eventTime?: PlanEventTime
}

/** Event time: the value of a field, or the time of arrival. */
export type PlanEventTime = EventTime

/** A step. */
export interface PlanStep extends PlanNode {
  /** Ids of the sources, steps or named outputs it reads; more than one: merged. */
  readonly from: readonly string[]
  readonly input: RecordType
  /** Absent: it has named outputs only. */
  readonly output?: RecordType
  /** Types of its named outputs. */
  readonly sideOutputs: Readonly<Record<string, RecordType>>
  /** Those of `from` whose names become part of record ids, since they can deliver the same record. */
  readonly namedFrom: readonly string[]
  /** For a step with named inputs: the outputs that it reads, each with the name of the input. */
  readonly inputs?: Readonly<Record<string, string>>
  /** Name of each side input, with the id of the source it is read from. */
  readonly sideInputs: Readonly<Record<string, string>>
  readonly onError: OnError
  readonly stateful: boolean
  readonly multiplies: boolean
  /** It aggregates: the records it holds are in no output yet. */
  readonly counts: boolean
  /** Event time of the sources that reach it, by id. */
  readonly times?: Readonly<Record<string, SourceTime>>
  /** Its output depends on the order of several lanes, or on the clock. */
  readonly ordered: boolean
  /** A hash of everything its memory depends on: memory with a different hash does not belong to this step. */
  readonly stateHash: string
  /** Records with equal values of these fields come from one split: memory is kept separately for each split. */
  readonly partitionedBy?: readonly string[]
  /** The source that it is pushed down into; the step itself is skipped. */
  readonly pushedInto?: string
}

/** A sink. */
export interface PlanSink extends PlanNode {
  readonly from: readonly string[]
  /** See `PlanStep.namedFrom`. */
  readonly namedFrom: readonly string[]
  readonly input: RecordType
  readonly capabilities: SinkCapabilities
}
