/** The definition of the sink, and its writing, which waits for the reader of the pipe. */
import {
  aborted,
  defineSink,
  option,
  type Row,
  type Sink,
  type SinkContext,
  type Static,
  SystemError,
  throwFailures,
  type WriteFailure,
} from '@millrace/core'
import { compileFieldAtFault, encodingFault } from '@millrace/formats'
import { compilePrinter } from './print.ts'

export const options = option.object({
  format: option.oneOf(
    ['lines', 'table', 'json'],
    '`lines`: name=value, for reading; `table`: columns; `json`: one JSON object per line, for other programs.',
    {
      default: 'lines',
    },
  ),
  to: option.oneOf(['stdout', 'stderr'], 'Where to print.', { default: 'stdout' }),
})
export type Options = Static<typeof options>

/** Rows that are formatted and written at a time. */
const rowsAtOnce = 64

function createSink({ format, to }: Options, { schema }: SinkContext): Sink {
  const print = compilePrinter(format, schema)
  const fieldAtFault = compileFieldAtFault(schema)
  /** The text of the rows that can be formatted. */
  const textOf = (rows: readonly Row[], fail: (i: number, why: ReturnType<typeof encodingFault>) => void): string => {
    try {
      return print(rows)
    } catch {
      let all = ''
      for (const [i, row] of rows.entries()) {
        try {
          all += print([row])
        } catch (error) {
          fail(i, encodingFault(error, fieldAtFault(row)))
        }
      }
      return all
    }
  }
  let stream: NodeJS.WriteStream | undefined
  // A closed pipe is reported to the callback of the write, and also as an event.
  const ignore = () => {}
  return {
    async open() {
      stream = process[to]
      stream.on('error', ignore)
    },
    async write({ rows }, { signal }) {
      const failures: WriteFailure[] = []
      for (let at = 0; at < rows.length; at += rowsAtOnce) {
        const text = textOf(rows.slice(at, at + rowsAtOnce), (i, why) =>
          failures.push({ index: at + i, kind: 'data', ...why }),
        )
        if (text !== '') await put(stream!, text, signal)
      }
      throwFailures(failures)
    },
    async close() {
      setImmediate(() => stream?.off('error', ignore))
    },
  }
}

/** Resolves when the text was written. Throws `SystemError`, also when the signal ends the wait. */
function put(stream: NodeJS.WriteStream, text: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error?: Error | null) => {
      signal.removeEventListener('abort', stop)
      if (error) reject(error instanceof SystemError ? error : closed(error))
      else resolve()
    }
    const stop = () => done(aborted('printing'))
    signal.addEventListener('abort', stop)
    if (signal.aborted) stop()
    else stream.write(text, done)
  })
}

const closed = (cause: Error): SystemError =>
  new SystemError('output_closed', `the output cannot be written: ${cause.message}`, {
    hint: 'the program that read it has ended, such as `head`; nothing else is wrong',
    cause,
  })

export const console = defineSink({
  kind: 'sink',
  type: 'console',
  summary: 'Prints records to the terminal or into a pipe.',
  options,
  capabilities: () => ({
    label: 'at-least-once',
    how: 'printed output cannot be taken back: after a crash records may be printed again',
  }),
  mapping: (type) => (type.kind === 'bytes' ? 'base64' : 'text'),
  create: createSink,
})
