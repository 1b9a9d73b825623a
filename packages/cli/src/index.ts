/** The `pipe` command, for programs that run it in their own process; users run the bin. */
export { main } from './main.ts'
export { type Io, processIo } from './io.ts'
