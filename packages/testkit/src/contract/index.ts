/** The contract suites for connectors and steps. */
export { type Check, type None, runCheck, type Scope } from './check.ts'
export { type Faulty, sinkChecks, sinkContract, type SinkSetup, type SinkSubject } from './sink.ts'
export { sourceChecks, sourceContract, type SourceSetup, type SourceSubject } from './source.ts'
export { transformChecks, transformContract, type TransformSetup, type TransformSubject } from './transform.ts'
export { type Peak, readingPeak } from './peak.ts'
export { type WireRecord, wireReading, wireRecords, wireWriting } from './wire.ts'
export { sameRows, sameSet } from './rows.ts'
