/**
 * The ingestion log: a line of JSON for every accepted or refused request, in a file that rotates or on standard
 * output. Written in chunks, so that no request costs a system call. A log that cannot be written ends no gateway: its
 * lines are counted, and the next line that can be written says how many are missing.
 */
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { isoText } from '@millrace/core'
import type { Reply } from './reply.ts'

export interface IngestionLog {
  line(level: 'info' | 'warn', event: string, more: Readonly<Record<string, unknown>>): void
  close(): Promise<void>
}

export interface LogBounds {
  /** From this size on another file is begun, bytes. */
  readonly size: number
  /** How many older files stay: `log.1` is the last one. */
  readonly keep: number
}

/** `path` for standard output. */
export const standardOutput = '-'

const flushMs = 100
const chunkLength = 1 << 16
/** Lines that wait for a slow disk or reader, as characters; more are not kept. */
const mostWaiting = 1 << 20

const logs = new Map<string, { readonly log: IngestionLog; users: number }>()

/**
 * Opens the log; sources of one process that name the same file share it. `warn` is called when it cannot be written,
 * once, and when it can be again.
 */
export function openIngestionLog(path: string, bounds: LogBounds, warn: (message: string) => void): IngestionLog {
  const shared = logs.get(path)
  if (shared) {
    shared.users++
    return shared.log
  }
  const out = path === standardOutput ? toStandardOutput() : toFile(path, bounds)
  let text = ''
  let lines = 0
  /** Lines that are not in the log. */
  let lost = 0
  let isFailing = false
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> | undefined

  const write = async () => {
    while (text !== '') {
      const missing = lost
      const chunk = missing > 0 ? lineOf('warn', 'lines_lost', { count: missing }) + text : text
      const count = lines
      text = ''
      lines = 0
      try {
        await out.write(chunk)
        lost -= missing
        if (isFailing) warn(`the ingestion log ${path} is written again; it lacks ${missing} lines`)
        isFailing = false
      } catch (error) {
        lost += count
        if (!isFailing) warn(`the ingestion log ${path} cannot be written: ${(error as Error).message}`)
        isFailing = true
      }
    }
  }
  const flush = () => {
    clearTimeout(timer)
    timer = undefined
    writing ??= write().finally(() => {
      writing = undefined
    })
    return writing
  }
  const log: IngestionLog = {
    line(level, event, more) {
      if (text.length >= mostWaiting) {
        lost++
        return
      }
      text += lineOf(level, event, more)
      lines++
      if (text.length > chunkLength) void flush()
      else timer ??= setTimeout(() => void flush(), flushMs)
    },
    async close() {
      const entry = logs.get(path)!
      if (--entry.users > 0) return
      logs.delete(path)
      await writing
      await flush()
      await out.close()
    },
  }
  logs.set(path, { log, users: 1 })
  return log
}

/** How many faults of a request a line names. */
const faultsInLog = 10

/** The body of a refusal as it is logged: with its first faults, and without the record. */
export function bodyToLog({ body }: Reply): unknown {
  const { item: _record, errors, ...more } = JSON.parse(String(body)) as { item?: unknown; errors?: unknown[] }
  return errors ? { ...more, errors: errors.slice(0, faultsInLog), faults: errors.length } : more
}

const lineOf = (level: string, event: string, more: Readonly<Record<string, unknown>>): string =>
  `{"time":"${isoText(Date.now())}","level":"${level}","event":"${event}",${JSON.stringify(more).slice(1)}\n`

interface Output {
  write(text: string): Promise<void>
  close(): Promise<void>
}

const toStandardOutput = (): Output => ({
  write: (text) =>
    new Promise((resolve, reject) => process.stdout.write(text, (error) => (error ? reject(error) : resolve()))),
  close: () => Promise.resolve(),
})

function toFile(path: string, { size, keep }: LogBounds): Output {
  let file: FileHandle | undefined
  let bytes = 0
  /** A write has failed, perhaps in the middle of a line. */
  let isTorn = false
  const close = async () => {
    const before = file
    file = undefined
    await before?.close()
  }
  const rotate = async () => {
    await close()
    if (keep === 0) return rm(path, { force: true })
    for (let n = keep; n > 0; n--) {
      const older = n === 1 ? path : `${path}.${n - 1}`
      await rename(older, `${path}.${n}`).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error
      })
    }
  }
  const opened = async (): Promise<FileHandle> => {
    await mkdir(dirname(path), { recursive: true })
    const made = await open(path, 'a', 0o600)
    bytes = (await made.stat()).size
    return made
  }
  return {
    async write(text) {
      try {
        file ??= await opened()
        if (bytes > 0 && bytes + text.length > size) {
          await rotate()
          file = await opened()
          isTorn = false
        }
        await file.appendFile(isTorn ? `\n${text}` : text)
        bytes += Buffer.byteLength(text)
        isTorn = false
      } catch (error) {
        isTorn = file !== undefined
        await close().catch(() => {})
        throw error
      }
    },
    close,
  }
}
