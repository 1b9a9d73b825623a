/** The `pipe` command, for programs that run it inside their own process; people use the bin. */
export { main } from './main.ts'
export { type Io, processIo } from './io.ts'
