/** A command's access to its surroundings; tests substitute their own. */
export interface Io {
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** Results. */
  out(text: string): void
  /** Progress, findings and errors. */
  err(text: string): void
  /** Standard error is a terminal: a progress line may be redrawn, and colours are allowed. */
  readonly terminal: boolean
  /** Width of the terminal in characters. */
  readonly columns: number
  /**
   * The first SIGINT or SIGTERM: stop reading, finish what is in progress. A second one ends the process immediately.
   * `quiet`: what is printed is read by programs, and the run says itself that it stops.
   */
  stopSignal(quiet?: boolean): AbortSignal
}

/** Those of the process. `NO_COLOR` and a `TERM` of `dumb` turn colours off. */
export function processIo(): Io {
  // The reader of the output may close it early: `pipe plan | head`.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0)
    throw error
  })
  return {
    cwd: process.cwd(),
    env: process.env,
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    terminal: process.stderr.isTTY && process.env['TERM'] !== 'dumb',
    columns: process.stderr.columns || 100,
    stopSignal,
  }
}

function stopSignal(quiet = false): AbortSignal {
  const say = (text: string) => void (quiet || process.stderr.write(`${text}\n`))
  const stop = new AbortController()
  let firstMs = 0
  const onSignal = (signal: NodeJS.Signals) => {
    // A terminal sends Ctrl-C to the whole process group, and a wrapper such as npm may forward it again: that counts
    // as one press.
    if (stop.signal.aborted && performance.now() - firstMs < 300) return
    if (stop.signal.aborted) {
      say(`Stopped at once by a second ${signal}. The next run resumes from the last checkpoint.`)
      process.exit(signal === 'SIGINT' ? 130 : 143)
    }
    say(`${signal}: finishing the work in progress; a second one stops at once.`)
    firstMs = performance.now()
    stop.abort()
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  return stop.signal
}
