/**
 * Keeps each record as a file of its own, named by the record's id. The same record written again replaces itself: that
 * is what makes the result of a restart, which writes some records twice, the same as that of one clean run.
 */
import { defineSink, option, PartialWriteError, SystemError, toJson, type WriteFailure } from '@millrace/core'
import { prepare, put } from './client.ts'

export default defineSink({
  kind: 'sink',
  type: '__TYPE__',
  summary: 'Keeps each record as a JSON file.',
  options: option.object({ folder: option.path('Where the files go.', { example: 'out/records' }) }),
  capabilities: () => ({ label: 'effectively-once', how: 'one file a record id, replaced', key: 'record_id' }),
  create: ({ folder }, { schema, resolve }) => {
    const encode = toJson({ kind: 'object', record: schema })
    const path = resolve(folder)
    return {
      open: () => prepare(path),
      async write(records, { signal }) {
        const ids = records.ids()
        const failures: WriteFailure[] = []
        for (const [index, row] of records.rows.entries()) {
          if (signal.aborted) throw new SystemError('aborted', 'stopped while writing', { retry: true })
          let text: string
          try {
            text = JSON.stringify(encode(row))
          } catch (error) {
            // A record that cannot be written is named, and all others are written.
            failures.push({ index, kind: 'data', code: 'out_of_range', message: (error as Error).message })
            continue
          }
          await put(path, ids[index]!, text)
        }
        if (failures.length > 0) throw new PartialWriteError(failures)
      },
    }
  },
})
