/** Reads one input from the saved position to its end. */
import { type Batch, type Json, MillraceError, type ReadContext } from '@millrace/core'
import { inputChanged } from './failures.ts'
import {
  asJson,
  canGrow,
  type FoundFile,
  type FoundPipe,
  identityIn,
  type Inputs,
  identityKey,
  type Saved,
  savedOf,
  readingKey,
} from './found.ts'
import type { InputFormat } from '@millrace/formats'
import { identityOf } from './identity.ts'
import { stampOf } from './extent.ts'
import { portable } from './list.ts'
import { openPipe, pipeInput } from './pipe.ts'

type Remembered = NonNullable<Batch['remember']>

/**
 * Reads the rest of a file. Throws `input_changed` if it changed since it was read before, or while it is read. Returns
 * whether it reached the end: a file that is not wanted any more is left if `isOtherWanted`, and otherwise waited for.
 */
export async function* readFile(
  inputs: Inputs,
  one: FoundFile,
  ctx: ReadContext,
  isOtherWanted: () => boolean,
): AsyncGenerator<Batch, boolean> {
  const { path, name, split, input } = one
  const { signal } = ctx
  const format = inputs.formatOf(path)
  const saved = savedOf(ctx.resume(split))
  const outside = portable(path, inputs.root) === path ? { path } : {}
  const { keepsFiles, watch } = inputs
  const key = identityKey(path, inputs.root)
  const identity: Remembered = keepsFiles || watch ? [[key, identityIn(split)]] : []
  try {
    const isTrusted =
      saved?.read.done === true && (await watch?.grown.isAppended(path, input, saved.read.bytes, signal))
    if (saved && !isTrusted && (await isDone(saved, one, format, signal))) {
      const { tail: _, ...read } = saved.read
      const stamp = stampOf(input.state)
      const ends = !watch || (keepsFiles ? !canGrow(inputs, path) : one.isFinished === true && stamp === read.stamp)
      if (ends) watch?.ended(path, stamp)
      yield {
        ...lastBatch(split, asJson({ ...saved, read: { ...read, stamp } }), ends),
        remember: ends && !keepsFiles ? identity.map(([each]) => [each, null]) : identity,
      }
      return true
    }
    if (saved) input.resume(saved.read, isTrusted === true)
    // A file that is moved or deleted after reading, or is compressed, is complete, unless it is watched.
    input.grows = (watch || (ctx.continues && keepsFiles)) && canGrow(inputs, path)
    let last = saved
    for await (const piece of format.reader.read(input, saved && asJson(saved), signal)) {
      const at = piece.position as Pick<Saved, 'offset'>
      const position: Saved = { ...at, read: { ...input.extentAt(at.offset), ...outside } }
      const remember = last === saved ? { remember: [[readingKey, split], ...identity] as Remembered } : {}
      while (!ctx.wants(split) && !signal.aborted) {
        if (isOtherWanted()) return false
        await ctx.whenWanted()
      }
      if (signal.aborted) return false
      yield { ...piece, split, position: asJson(position), ...remember }
      last = position
    }
    const end = input.grows ? (last?.offset ?? 0) : undefined
    const tail = end === undefined ? 0 : input.beyond(end)
    if (tail > 0 && !watch)
      ctx.warn(
        `${name} does not end with a line break: the rest after byte ${end} is left for a later run, once it is a complete record`,
      )
    const extent = await input.finish(end, signal)
    // The identity was determined before reading began.
    if (extent.stamp !== stampOf(input.state) && identityIn(split) !== (await identityOf(input, format, signal)))
      throw inputChanged(one.name, 'has been changed')
    if (saved && input.grows) await watch?.grown.note(path, input, extent.bytes, signal)
    const read = { ...extent, done: true as const, ...(watch && tail > 0 ? { tail } : {}), ...outside }
    const ends = !watch || (keepsFiles && !canGrow(inputs, path))
    yield {
      ...lastBatch(split, asJson({ ...(last ?? { offset: 0 }), read }), ends),
      remember: [[readingKey, null], ...identity],
    }
    return true
  } catch (error) {
    throw withPlace(error, one.name)
  }
}

/** Reads an input that can be read only once: there are no positions to resume from. */
export async function* readPipe(
  inputs: Inputs,
  one: FoundPipe,
  { signal }: ReadContext,
): AsyncGenerator<Batch, boolean> {
  const { path, name, split, kind } = one
  const input = path === '-' ? pipeInput(process.stdin, name) : openPipe(path, name, kind)
  try {
    const pieces = inputs.formatOf(path).reader.read(input, undefined, signal)
    for await (const { position: _, ...piece } of pieces) yield { ...piece, split }
    yield lastBatch(split, undefined, true)
    return true
  } catch (error) {
    throw withPlace(error, name)
  } finally {
    input.close()
  }
}

/** `ends`: nothing more will come. */
const lastBatch = (split: string, position: Json | undefined, ends: boolean): Batch => ({
  split,
  rows: [],
  ...(position === undefined ? {} : { position }),
  positionAt: () => 0,
  bytes: 0,
  ...(ends ? { end: true } : {}),
})

/** Whether a file was read to its end before. Throws `input_changed` if it is no longer the file that was read. */
async function isDone(
  { offset, read }: Saved,
  { name, input }: FoundFile,
  { lines, text }: InputFormat,
  signal: AbortSignal,
): Promise<boolean> {
  const { bytes } = input.state
  if (stampOf(input.state) === read.stamp) return read.done === true
  if (input.size !== undefined && bytes < read.bytes) throw inputChanged(name, 'has become shorter')
  const since = await input.since(read, signal)
  if (since === 'shorter') throw inputChanged(name, 'has become shorter')
  if (since === 'changed') throw inputChanged(name, 'has been changed')
  if (!read.done || since === 'same') return read.done === true
  if (lines === undefined || offset === undefined || input.size === undefined) throw inputChanged(name, 'has grown')
  const end = await input.slice(Math.max(0, offset - (text?.unit ?? 1)), offset)
  if (offset > 0 && !end.includes(10) && !end.includes(13))
    throw inputChanged(name, 'has grown in the middle of its last line')
  return false
}

/** Adds the file's name to an error. */
function withPlace(error: unknown, name: string): unknown {
  if (!(error instanceof MillraceError) || error.place) return error
  const { code, message, hint, exitCode, cause } = error
  return new MillraceError(code, message, { place: name, hint, exitCode, cause })
}
