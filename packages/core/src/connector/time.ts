/** Event time of a source: as steps see it, and as a plan has it. */
import type { Fold } from '../date/index.ts'

/** What a step that uses event time knows of a source. */
export interface SourceTime {
  /** How far records may be behind the highest time of their lane; null: unbounded, windows close at the end. */
  readonly maxOutOfOrderMs: number | null
  /** When a lane without records no longer holds back the watermark; absent: never. */
  readonly idleAfterMs?: number
  /** Its event time is the time of arrival: no record is late, and the watermark follows the clock. */
  readonly arrival?: true
  /** Its input can end before that of other lanes which the step reads, while the run goes on. */
  readonly ends?: true
}

/** Where the event time of a source's records comes from. */
export interface EventTime extends SourceTime {
  /** The field in the source's schema; absent: the time of arrival. */
  readonly field?: string
  /** Of a text field. */
  readonly formats?: readonly string[]
  readonly zone: string
  readonly fold?: Fold
  /** A record further ahead of its arrival is bad. */
  readonly maxFutureMs?: number
  /** A lane is not read further ahead of the slowest one than this. */
  readonly maxSkewMs?: number
}
