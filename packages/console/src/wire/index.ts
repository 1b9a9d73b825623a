/** What the console's interface sends: types alone, which the command and the browser share. */
export type * from './data.ts'
export type * from './live.ts'
export type * from './pipeline.ts'
export type * from './runs.ts'
export type * from './state.ts'
export type * from './streams.ts'
