/** The definition, and the writing: no faster than the reader of the pipe takes it. */
import { defineSink, option, type Sink, type SinkContext, type Static, SystemError } from '@millrace/core'
import { compilePrinter } from './print.ts'

export const options = option.object({
  format: option.oneOf(
    ['lines', 'table', 'json'],
    '`lines`: name=value, for reading; `table`: columns; `json`: a JSON object a line, for other programs.',
    {
      default: 'lines',
    },
  ),
  to: option.oneOf(['stdout', 'stderr'], 'Where to print.', { default: 'stdout' }),
})
export type Options = Static<typeof options>

function createSink({ format, to }: Options, { schema }: SinkContext): Sink {
  const print = compilePrinter(format, schema)
  return {
    async write(records, { signal }) {
      if (records.length > 0) await put(process[to], print(records.rows), signal)
    },
  }
}

/** Returns when the text was taken, or the signal ends the wait. */
function put(stream: NodeJS.WriteStream, text: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error?: Error | null) => {
      signal.removeEventListener('abort', aborted)
      // A closed pipe is told to the callback and once more as an event, a moment later.
      setImmediate(() => stream.off('error', ignore))
      if (error) reject(closed(error))
      else resolve()
    }
    const aborted = () => done()
    const ignore = () => {}
    signal.addEventListener('abort', aborted)
    stream.on('error', ignore)
    stream.write(text, done)
    if (signal.aborted) aborted()
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
    how: 'what was printed cannot be taken back: after a crash records may be printed again',
  }),
  mapping: (type) => (type.kind === 'bytes' ? 'base64' : 'text'),
  create: createSink,
})
