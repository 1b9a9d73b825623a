/**
 * Keeps each record as a file of its own, named by the record's id. The same record written again replaces itself: that is what makes the result of a
 * restart, which writes some records twice, the same as that of one clean run.
 */
import { defineSink, option, toJson } from '@millrace/core'
import { prepare, put } from './client.ts'

export default defineSink({
  kind: 'sink',
  type: '__TYPE__',
  summary: 'Keeps each record as a JSON file.',
  options: option.object({ folder: option.path('Where the files go.', { example: 'out/records' }) }),
  capabilities: () => ({ label: 'effectively-once', how: 'one file a record id, replaced' }),
  create: ({ folder }, { schema, resolve }) => {
    const encode = toJson({ kind: 'object', record: schema })
    const path = resolve(folder)
    return {
      open: () => prepare(path),
      async write(records, { signal }) {
        const ids = records.ids()
        for (const [i, row] of records.rows.entries()) {
          signal.throwIfAborted()
          await put(path, ids[i]!, JSON.stringify(encode(row)))
        }
      },
    }
  },
})
