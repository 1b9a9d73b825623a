/**
 * The ingestion log: a line of JSON for every accepted or refused request. Written in chunks, so that no request costs
 * a system call.
 */
import { createWriteStream, mkdirSync, type WriteStream } from 'node:fs'
import { dirname } from 'node:path'
import { isoText } from '@millrace/core'

export interface IngestionLog {
  line(level: 'info' | 'warn', event: string, more: Readonly<Record<string, unknown>>): void
  close(): Promise<void>
}

const open = new Map<string, { log: IngestionLog; users: number }>()

/** Opens the log; sources of one process that name the same file share it. */
export function openIngestionLog(path: string): IngestionLog {
  const shared = open.get(path)
  if (shared) {
    shared.users++
    return shared.log
  }
  mkdirSync(dirname(path), { recursive: true })
  const stream: WriteStream = createWriteStream(path, { flags: 'a', mode: 0o600 })
  let text = ''
  let timer: NodeJS.Timeout | undefined
  const flush = () => {
    clearTimeout(timer)
    timer = undefined
    if (text) stream.write(text)
    text = ''
  }
  const log: IngestionLog = {
    line(level, event, more) {
      text += `{"time":"${isoText(Date.now())}","level":"${level}","event":"${event}",${JSON.stringify(more).slice(1)}\n`
      if (text.length > 1 << 16) flush()
      else timer ??= setTimeout(flush, 100)
    },
    close() {
      const entry = open.get(path)!
      if (--entry.users > 0) return Promise.resolve()
      open.delete(path)
      flush()
      return new Promise((resolve) => stream.end(resolve))
    },
  }
  open.set(path, { log, users: 1 })
  return log
}
