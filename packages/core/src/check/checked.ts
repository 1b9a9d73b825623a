/**
 * What the check found out about a spec; the plan is made from it. Parts that could not be determined are absent, and a
 * finding says why.
 */
import type {
  Env,
  EventTime,
  Inference,
  SinkCapabilities,
  SinkDefinition,
  SourceCapabilities,
  SourceDefinition,
  TransformDefinition,
} from '../connector/index.ts'
import type { Json } from '../record/index.ts'
import type { RecordType } from '../schema/index.ts'
import type { RetryRule } from '../spec/retry.ts'
import type { SpecNode } from '../spec/tree.ts'
import type { Spec, SpecDeadLetter, SpecSink, SpecSource, SpecStep } from '../spec/spec.ts'

interface Bound<D> {
  readonly definition?: D
  /** The options of the connection and the spec, merged, as nodes. */
  readonly configNode: SpecNode
  /** Resolved, as in the plan; absent if it has errors. */
  readonly config?: Json
  /** The same, as the definition gets it. */
  readonly options?: unknown
  readonly connection?: string
  readonly retry?: RetryRule
}

export interface CheckedSource extends Bound<SourceDefinition> {
  readonly id: string
  readonly type: string
  /** Absent for a side input that a step declares itself. */
  readonly spec?: SpecSource
  readonly schema?: RecordType
  readonly unknownFields: 'drop' | 'error' | 'keep'
  readonly eventTime?: EventTime
  readonly capabilities?: SourceCapabilities
}

export interface CheckedStep {
  readonly id: string
  readonly spec: SpecStep
  readonly definition?: TransformDefinition
  readonly config?: Json
  /** As the definition gets it. */
  readonly options?: unknown
  /** Name of the side input to the id of the source that is read for it. */
  readonly sideInputs: Readonly<Record<string, string>>
}

export interface CheckedSink extends Bound<SinkDefinition> {
  readonly id: string
  readonly type: string
  readonly spec: SpecSink | SpecDeadLetter
  readonly capabilities?: SinkCapabilities
}

/** A step in the graph. */
export interface Placed {
  readonly step: CheckedStep
  readonly from: readonly string[]
  readonly input?: RecordType
  readonly inference?: Inference
}

export interface Flow {
  /** In topological order: a step comes after everything it reads. */
  readonly steps: readonly Placed[]
  /** The inputs of each sink, and their type if it is known. */
  readonly sinks: ReadonlyMap<string, { readonly from: readonly string[]; readonly input?: RecordType }>
  /** Names of outputs, with the nodes that read them. */
  readonly readers: ReadonlyMap<string, readonly string[]>
  /** Named outputs, with their step. */
  readonly owners: ReadonlyMap<string, string>
}

/** One path to an output. */
export interface Lineage {
  /** A source, or the step that made the result. */
  readonly root: string
  /** Node, with the one branch taken there. */
  readonly choices: ReadonlyMap<string, string>
  /** Fields with the unchanged value of a field of the root: name here to name there. */
  readonly unchanged: ReadonlyMap<string, string>
  /** Steps that made several records from one. */
  readonly multipliedBy: readonly string[]
  /** Steps on the path, in order. */
  readonly steps: readonly string[]
}

/** The lineages of all outputs, and which inputs of a node are named in ids. */
export interface Lineages {
  of(output: string): readonly Lineage[]
  /** By node: the names of its inputs that become part of ids. */
  readonly named: ReadonlyMap<string, readonly string[]>
}

export type DeliveryLabel = 'at-most-once' | 'at-least-once' | 'effectively-once'

export interface Delivery {
  readonly label: DeliveryLabel
  readonly weakest: string
  /** Bounds within which the label holds, in words. */
  readonly within?: readonly string[]
  readonly required?: DeliveryLabel
}

export interface Checked {
  readonly spec: Spec
  /** Sources of the flow and of side inputs. */
  readonly sources: readonly CheckedSource[]
  /** Ids of sources that are side inputs. */
  readonly sideSources: ReadonlySet<string>
  readonly flow: Flow
  readonly lineages: Lineages
  /** Sources of the flow. */
  readonly streams: readonly CheckedSource[]
  env(id: string): Env
  readonly sinks: readonly CheckedSink[]
  readonly deadLetter?: CheckedSink
  readonly delivery: Delivery
  readonly runs: 'whole' | 'continue'
}
