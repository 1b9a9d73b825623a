/** The plan at run time: each source, step and sink with its connector, its counters and its policy for bad records. */
import type { Sink, SinkCapabilities, Source, SourceCapabilities, Transform } from '../connector/index.ts'
import type { Failure } from '../connector/dead-letter.ts'
import type { PlanEventTime, PlanStep } from '../plan/index.ts'
import type { RetryRule } from '../spec/index.ts'
import type { RecordType } from '../schema/index.ts'
import type { Counters, SinkCounters, SourceCounters, StepCounters } from './counters.ts'
import type { TimeReader } from './event-time.ts'
import type { Queue } from './queue.ts'

/** What happens to a bad record. */
export type Policy = 'stop' | 'dead_letter' | 'drop' | 'refuse'

/** A connector of the run: what messages call it, and how long its system is retried. */
export interface ConnectorNode {
  readonly id: string
  /** The npm package of the connector. */
  readonly package: string
  readonly retry: RetryRule
}

export interface SourceNode extends ConnectorNode {
  readonly source: Source
  readonly capabilities: SourceCapabilities
  readonly policy: Policy
  /** Steps pushed down into it, in order. */
  readonly pushed: readonly string[]
  /** For sources that answer: whose rows answers show, and whether good records of a request pass despite bad ones. */
  readonly answer?: { readonly from?: string | undefined; readonly partial: boolean }
  readonly eventTime?: PlanEventTime
  /** Reads its event time from a field. */
  readonly time?: TimeReader
  /** The type of the records that it reads. */
  readonly type: RecordType
  readonly count: SourceCounters
}

export interface StepNode {
  readonly id: string
  readonly plan: PlanStep
  readonly transform: Transform
  readonly policy: Policy
  readonly count: StepCounters
}

export interface SinkNode extends ConnectorNode {
  readonly from: readonly string[]
  /** Those of `from` whose name becomes part of a record's id. */
  readonly namedFrom: readonly string[]
  readonly sink: Sink
  readonly capabilities: SinkCapabilities
  readonly policy: Policy
  /** The type of the records that it gets. */
  readonly type: RecordType
  readonly queue: Queue
  readonly count: SinkCounters
}

/** One connected part of the graph, with epochs of its own. */
export interface Component {
  readonly pipeline: string
  readonly specHash: string
  readonly sources: readonly SourceNode[]
  /** In topological order. */
  readonly steps: readonly StepNode[]
  readonly sinks: readonly SinkNode[]
  readonly deadLetter?: SinkNode
  readonly stopAbove?: number
  readonly counters: Counters
  /** Called for each record that failed and did not stop the run. */
  readonly onFailed?: (failure: Failure) => void
}

/** The sinks of a component, the dead letter last. */
export const allSinks = ({ sinks, deadLetter }: Component): readonly SinkNode[] =>
  deadLetter ? [...sinks, deadLetter] : sinks
