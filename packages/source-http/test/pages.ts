/**
 * A server of pages, and a reader of the source that can be stopped after any page and taken up from what was saved.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import {
  freshRead,
  isBatch,
  type Batch,
  type Json,
  optionsFromText,
  type RecordType,
  resolveConfig,
  type Row,
  type SourceContext,
} from '@millrace/core'
import { onTestFinished } from 'vitest'
import { sourceHttpPoll } from '../src/index.ts'
import type { PollOptions } from '../src/poll/options.ts'

/** Answers requests by `handle`; gives the address and the paths that were asked for. */
export async function serve(
  handle: (url: URL, response: ServerResponse, request: IncomingMessage) => void,
): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url!)
    handle(new URL(request.url!, 'http://here'), response, request)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

export const send = (response: ServerResponse, body: unknown, headers: Readonly<Record<string, string>> = {}): void => {
  response
    .writeHead(200, { 'content-type': 'application/json', ...headers })
    .end(typeof body === 'string' ? body : JSON.stringify(body))
}

export const schema: RecordType = {
  fields: {
    n: { type: { kind: 'integer' }, optional: false },
    at: { type: { kind: 'integer' }, optional: true },
  },
}

/** What a run has saved of the source. */
export interface Saved {
  split?: string
  position?: Json
  readonly memory: Map<string, Json>
}

export const nothingSaved = (): Saved => ({ memory: new Map() })

export interface Got {
  readonly id: string
  readonly row: Row
}

/** Options as they would be of a spec; private addresses are allowed unless told otherwise. */
export function optionsOf(text: string): PollOptions {
  const read = optionsFromText(text, sourceHttpPoll.options)
  if (!('value' in read)) throw new Error(read.findings.map((finding) => finding.message).join('; '))
  return resolveConfig(read.value, () => undefined) as PollOptions
}

export const context = (type: RecordType): SourceContext =>
  ({
    root: '/',
    home: '/',
    profile: 'local',
    pipeline: 'p',
    id: 's',
    resolve: (path: string) => path,
    schema: type,
    unknownFields: 'drop',
  }) as SourceContext

/** Reads from what is saved, saving each batch as it comes, until `enough` is true or the source ends. */
export async function readFrom(
  saved: Saved,
  text: string,
  { enough, type = schema }: { enough?: (batches: readonly Batch[]) => boolean; type?: RecordType } = {},
): Promise<{ records: Got[]; batches: Batch[] }> {
  const source = sourceHttpPoll.create(optionsOf(text), context(type))
  const stop = new AbortController()
  const batches: Batch[] = []
  const records: Got[] = []
  try {
    const read = freshRead(stop.signal, {
      resume: (split) => (split === saved.split ? saved.position : undefined),
      recall: (key) => saved.memory.get(key),
    })
    for await (const batch of source.read(read)) {
      if (!isBatch(batch)) continue
      batches.push(batch)
      for (const [i, row] of batch.rows.entries())
        records.push({ id: batch.idAt?.(i) ?? `${batch.split}@${batch.positionAt(i)}`, row })
      saved.split = batch.split
      saved.position = JSON.parse(JSON.stringify(batch.position)) as Json
      for (const [key, value] of batch.remember ?? [])
        value === null ? saved.memory.delete(key) : saved.memory.set(key, value)
      if (enough?.(batches)) break
    }
  } finally {
    stop.abort()
    await source.close?.()
  }
  return { records, batches }
}

/** Reads to the end with a new start after each page, as after a kill: all that was saved counts, nothing else. */
export async function readWithKills(text: string, type = schema): Promise<Got[]> {
  const saved = nothingSaved()
  const all: Got[] = []
  for (let start = 0; start < 100; start++) {
    const { records, batches } = await readFrom(saved, text, { enough: (got) => got.length === 1, type })
    all.push(...records)
    if (batches.length === 0 || batches.at(-1)!.end) return all
  }
  throw new Error('it does not end')
}
