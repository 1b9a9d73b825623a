/**
 * The plan: what a checked spec means, as plain JSON. Independent of the engine that runs it: names are bound, options resolved (durations in ms, sizes in
 * bytes, defaults filled in), types told at every point, the order of the steps fixed, and what is pushed down into a source shown beside the step that
 * asked for it. Secrets stay references and appear nowhere in it. `version` grows when a reader of plans would have to change.
 *
 * Inside `config`, `{ "$secret": "name" }` stands for a secret's value and `{ "$secrets": ["mongodb://u:", { "$secret": "name" }, "@host"] }` for a text that
 * holds some; `resolveConfig` makes them `Secret`s.
 */
import type { Push, SinkCapabilities, SourceCapabilities } from '../connector/index.ts'
import type { Json } from '../record/index.ts'
import type { RecordType } from '../schema/index.ts'
import type { RetryRule } from '../spec/retry.ts'

/** What becomes of a bad record. */
export type OnError = 'stop' | 'dead_letter' | 'drop'

/** The promises a pipeline can make. `at-most-once` is none: an input that cannot be read twice loses what was not saved when the process dies. */
export type DeliveryLabel = 'at-most-once' | 'at-least-once' | 'effectively-once'

/** All that a run needs to know, but for secrets. */
export interface Plan {
  readonly version: 1
  readonly name: string
  readonly description?: string
  /** The project's name in millrace.yaml. */
  readonly project?: string
  readonly profile: string
  readonly runs: 'whole' | 'continue'
  /**
   * `weakest`: the node that allows no better label, and why; `within`: bounds within which it holds, in words;
   * `required`: what the spec demands.
   */
  readonly delivery: {
    readonly label: DeliveryLabel
    readonly weakest: string
    readonly within?: readonly string[]
    readonly required?: DeliveryLabel
  }
  readonly parallelism: number
  readonly sources: readonly PlanSource[]
  /** In topological order: a step comes after everything it reads. */
  readonly steps: readonly PlanStep[]
  readonly sinks: readonly PlanSink[]
  /** `stopAbove`: the share of bad records among the last 10,000 of a source that ends the run. */
  readonly deadLetter?: PlanSink & { readonly stopAbove?: number }
  /** Where the spec says nothing nearer. */
  readonly onError: OnError
  /** Of all that decides what comes out: the plan without description and place. */
  readonly specHash: string
}

/** What sources, steps and sinks have in common. */
export interface PlanNode {
  readonly id: string
  /** The word in the spec: `csv`, `where`. */
  readonly type: string
  /** The npm package that brings the definition. */
  readonly package: string
  readonly config: Json
  /** The connection it was bound by, where it was. */
  readonly connection?: string
  /** What it is for, in the spec's words. */
  readonly description?: string
  /** How long failures of its system are waited for, where the spec says so. */
  readonly retry?: RetryRule
}

/** What is read. */
export interface PlanSource extends PlanNode {
  /** The declared type of a decoded record, before any push. */
  readonly schema: RecordType
  readonly unknownFields: 'drop' | 'error' | 'keep'
  /** The type of its rows, after the push. */
  readonly output: RecordType
  readonly push?: Push
  /** Ids of the steps that the push takes over, in order. */
  readonly pushed: readonly string[]
  readonly capabilities: SourceCapabilities
  /** Read whole before the first record, as a step's side input; never part of the flow. */
  readonly side?: boolean
  readonly onError: OnError | 'refuse'
  /** For sources that answer: the node whose row is sent back (absent: none), and whether good items of a request pass beside bad ones. */
  readonly answer?: { readonly from?: string; readonly partial: boolean }
  readonly eventTime?: PlanEventTime
}

/** Event time: a field's value, or the time of arrival. */
export interface PlanEventTime {
  readonly field?: string
  readonly formats?: readonly string[]
  readonly zone: string
  /** null: unbounded, windows close at the end. */
  readonly maxOutOfOrderMs: number | null
  readonly idleAfterMs?: number
  readonly maxFutureMs?: number
  readonly maxSkewMs?: number
  readonly lane?: 'file'
}

/** What is done. */
export interface PlanStep extends PlanNode {
  /** Ids of the sources, steps or named outputs it reads; more than one: merged. */
  readonly from: readonly string[]
  readonly input: RecordType
  /** Absent: it has named outputs only. */
  readonly output?: RecordType
  /** Types of its named outputs. */
  readonly sides: Readonly<Record<string, RecordType>>
  /** Those of `from` whose name becomes part of a record's id, since they can bring the same record. */
  readonly namedFrom: readonly string[]
  /** For a step with named inputs: output that it reads to the input's name. */
  readonly inputs?: Readonly<Record<string, string>>
  /** Name of the side input to the id of the source that is read for it. */
  readonly sideInputs: Readonly<Record<string, string>>
  readonly onError: OnError
  readonly stateful: boolean
  readonly multiplies: boolean
  /** It adds records up: what it holds is in no output yet. */
  readonly counts: boolean
  /** What it gives depends on the order of several lanes, or on the clock. */
  readonly ordered: boolean
  /** Of what its memory depends on: memory under another hash is not this step's. */
  readonly stateHash: string
  /** Equal groups of these fields come from one split: the memory of each split is kept apart. */
  readonly partitionedBy?: readonly string[]
  /** The source that does its work; the step itself is passed over. */
  readonly pushedInto?: string
}

/** Where results go. */
export interface PlanSink extends PlanNode {
  readonly from: readonly string[]
  /** See `PlanStep.namedFrom`. */
  readonly namedFrom: readonly string[]
  readonly input: RecordType
  readonly capabilities: SinkCapabilities
}
