/** What this package brings: a list of definitions, found by the `millrace` field of package.json. */
import sink from './sink.ts'

export default [sink]
