/** What this package brings: a list of definitions, found by the `millrace` field of package.json. */
import source from './source.ts'

export default [source]
