/**
 * The child process of remote.ts: runs one request and sends its answers, or dies by its own SIGKILL where requested.
 */
import { writeSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { loadDefinition, envIn } from './load.ts'
import { peakOf } from './peak.ts'
import { makeSource, type ReadUntil, readAll, type SourceMaking } from './read.ts'
import { pack, unpack } from './remote.ts'
import { runTransform, type TransformMaking } from './apply.ts'
import type { LargeWrites } from '../memory.ts'
import { makeSink, runScript, type SinkMaking, type SinkScript } from './script.ts'
import { writeLarge } from './large.ts'
import type { Row } from '@millrace/core'

export type ChildRequest = {
  readonly module: string
  readonly type: string
  readonly root: string
  readonly id: string
} & (
  | { readonly kind: 'source'; readonly making: SourceMaking; readonly records: number | undefined }
  | { readonly kind: 'peak'; readonly making: SourceMaking }
  | { readonly kind: 'sink'; readonly making: SinkMaking; readonly script: SinkScript }
  | ({ readonly kind: 'large' } & Omit<LargeWrites, 'module' | 'type' | 'root'>)
  | { readonly kind: 'transform'; readonly making: TransformMaking; readonly batches: readonly (readonly Row[])[] }
)

/** A parent that was killed leaves nobody to answer to. */
const parent = process.ppid
const exitWithoutParent = () => {
  if (process.ppid !== parent) process.exit(1)
}
setInterval(exitWithoutParent, 1000).unref()

const pause = new Int32Array(new SharedArrayBuffer(4))

/** Synchronous, so that an answer is out before a kill. */
const answer = (value: unknown): void => {
  const bytes = Buffer.from(`${pack(value)}\n`)
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(1, bytes, done)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
      exitWithoutParent()
      Atomics.wait(pause, 0, 0, 5)
    }
  }
}

const request = unpack(await text(process.stdin)) as ChildRequest
const env = envIn(request.root, request.id)
if (request.kind === 'source') {
  const definition = await loadDefinition(request.module, 'source', request.type)
  const { lanes } = definition.capabilities(request.making.options)
  const until: ReadUntil = { lanes, records: request.records }
  answer(await readAll(makeSource(definition, request.making, env), env, until))
} else if (request.kind === 'peak') {
  const definition = await loadDefinition(request.module, 'source', request.type)
  answer(await peakOf(makeSource(definition, request.making, env)))
} else if (request.kind === 'sink') {
  const definition = await loadDefinition(request.module, 'sink', request.type)
  await runScript(definition, request.making, env, request.script, {
    answer,
    die: () => process.kill(process.pid, 'SIGKILL'),
  })
} else if (request.kind === 'large') {
  const definition = await loadDefinition(request.module, 'sink', request.type)
  answer(await writeLarge(makeSink(definition, request.making, env), env, request))
} else {
  const definition = await loadDefinition(request.module, 'transform', request.type)
  answer(await runTransform(definition, request.making, env, request.batches))
}
