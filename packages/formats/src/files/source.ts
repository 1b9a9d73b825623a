/**
 * Reads files as a source: one after the other in the order of their names, each a split.
 *
 * A split's id is the file's name and the identity of its content; its position is the reader's own, with a hash of what was read before it. So a run that goes on
 * finds out when a file has become shorter or begins differently. Which file is under way is kept in the source's memory: one that was changed or removed
 * in the middle would else look like a new file, or like none. A file that is finished keeps its size in its position; it is not opened again.
 */
import {
  type Batch,
  type Env,
  type Json,
  MillraceError,
  type ReadContext,
  type Source,
  type SplitsFound,
} from '@millrace/core'
import { compressionOf, withoutCompression } from '../compression.ts'
import type { ByteSource, RecordReader } from '../reader.ts'
import { type AfterRead, putAway } from './after.ts'
import { beginning, headBytes, headHash, identityOf, isEnough, type Shape } from './identity.ts'
import { type InputFile, listInputs } from './list.ts'
import { fileSource, inputChanged, stdinSource } from './open.ts'
import { placeOf } from './place.ts'

/** How files of one kind are read. */
export interface InputFormat extends Shape {
  readonly reader: RecordReader
}

/** What a source of files needs to know. */
export interface FilesOptions {
  /** As typed; `-` is standard input. */
  readonly paths: readonly string[]
  /** What the names of a folder's files may end in: `.csv`. */
  readonly endings: readonly string[]
  /** What becomes of a file once all of it is saved; `move`: an absolute path. */
  readonly afterRead?: AfterRead
  /** By the name of the file, without the ending of its compression. */
  formatOf(name: string): InputFormat
}

/** What is saved of a file: the reader's position, a hash of what comes before it, and, once it is finished, its size on the disk. */
interface Saved {
  readonly [key: string]: Json
  readonly head: string
}

export interface Opened {
  readonly file: InputFile
  readonly split: string
  readonly input: ByteSource
  readonly format: InputFormat
}

/** What the source remembers while a file is under way. */
const memoryKey = ({ instance: { i, n } }: ReadContext): string => (n > 1 ? `reading ${i}/${n}` : 'reading')

/** A source over files. It opens them only when it reads. */
export function filesSource(options: FilesOptions, env: Pick<Env, 'root' | 'resolve'>): Source {
  const { paths, afterRead = 'keep' } = options
  const opened = new Map<string, Opened>()

  /** Finds and opens the inputs; their splits, in order. */
  async function openAll(signal: AbortSignal): Promise<void> {
    opened.clear()
    for (const file of await listInputs(paths, env, options.endings, afterRead !== 'keep')) {
      const format = options.formatOf(withoutCompression(file.path))
      const input = fileSource(file.path, file.name, file.size, compressionOf(file.path))
      const bytes = await beginning(input, isEnough(format), signal)
      const split = `${file.name}#${await identityOf(bytes, format, input)}`
      const same = opened.get(split)
      if (same) throw sameIdentity(same.file, file)
      opened.set(split, { file, split, input, format })
    }
  }

  async function* readAll(ctx: ReadContext): AsyncGenerator<Batch | SplitsFound> {
    await openAll(ctx.signal)
    const mine = [...opened.values()].filter(({ file }) => shareOf(file.name, ctx.instance.n) === ctx.instance.i)
    refuseChanged(ctx)
    yield {
      splits: mine.map(({ split, input }) =>
        input.size === undefined ? { id: split } : { id: split, bytes: input.size },
      ),
      complete: true,
    }
    for (const one of mine) yield* readFile(one, ctx)
  }

  /** The file that was under way must still be there as it was. */
  function refuseChanged(ctx: ReadContext): void {
    const split = ctx.recall(memoryKey(ctx))
    if (typeof split !== 'string' || opened.has(split)) return
    const name = nameOf(split)
    throw inputChanged(
      name,
      [...opened.values()].some(({ file }) => file.name === name) ? 'begins differently' : 'was removed',
    )
  }

  async function* readFile(one: Opened, ctx: ReadContext): AsyncGenerator<Batch> {
    const { file, split, input, format } = one
    const saved = ctx.resume(split) as Saved | undefined
    if (saved && (await isFinished(saved, one, ctx.signal))) {
      yield lastBatch(split, saved)
      return
    }
    let last = saved
    try {
      for await (const piece of format.reader.read(input, saved, ctx.signal)) {
        const at = piece.position as { readonly offset?: number }
        // Beyond the first 4 KiB the hash stays the same.
        const settled =
          last !== undefined && last !== saved && (at.offset === undefined || (last.offset as number) >= headBytes)
        const position: Saved = { ...at, head: settled ? last!.head : (await headHash(input, at.offset, ctx.signal))! }
        yield { ...piece, split, position, ...(last === saved ? { remember: [[memoryKey(ctx), split]] as const } : {}) }
        last = position
      }
    } catch (error) {
      throw placed(error, file.name)
    }
    const { done: _, ...rest } = last ?? { head: (await headHash(input, 0, ctx.signal))!, offset: 0 }
    yield { ...lastBatch(split, { ...rest, done: file.size } as Saved), remember: [[memoryKey(ctx), null]] }
  }

  return {
    read: (ctx) => (paths.includes('-') ? readStdin(options, ctx) : readAll(ctx)),
    async locate(split, position) {
      const { signal } = new AbortController()
      if (!paths.includes('-') && !opened.has(split)) await openAll(signal)
      return placeOf(nameOf(split), opened.get(split), position, signal)
    },
    ...(afterRead === 'keep'
      ? {}
      : {
          async commit(done, { signal }) {
            for (const { split, position } of done) {
              const size = (position as Saved | undefined)?.done
              const one = opened.get(split)
              if (one && typeof size === 'number') await putAway(one, size, afterRead, signal)
            }
          },
        }),
  }
}

const nameOf = (split: string): string => split.slice(0, split.lastIndexOf('#'))

/** Which of n instances reads a file: the same at every start, whatever other files there are. */
function shareOf(name: string, n: number): number {
  let hash = 0
  for (let i = 0; i < name.length; i++) hash = (Math.imul(hash, 31) + name.charCodeAt(i)) | 0
  return (hash >>> 0) % n
}

const lastBatch = (split: string, position: Saved | undefined): Batch => ({
  split,
  rows: [],
  ...(position ? { position } : {}),
  positionAt: () => 0,
  bytes: 0,
  end: true,
})

/** Whether all of a file was read before. Throws `input_changed` where its position does not fit it any more. */
async function isFinished(saved: Saved, { file, input, format }: Opened, signal: AbortSignal): Promise<boolean> {
  const { name, size } = file
  const { offset, done } = saved as { offset?: number; done?: number }
  if (offset !== undefined && input.size !== undefined && offset > input.size)
    throw inputChanged(name, 'became shorter')
  if ((await headHash(input, offset, signal)) !== saved.head) throw inputChanged(name, 'begins differently')
  if (done === undefined || done === size) return done !== undefined
  if (size < done) throw inputChanged(name, 'became shorter')
  if (format.lines === undefined || offset === undefined || input.size === undefined) throw inputChanged(name, 'grew')
  const end = await input.slice(Math.max(0, offset - (format.text?.unit ?? 1)), offset)
  if (offset > 0 && !end.includes(10) && !end.includes(13))
    throw inputChanged(name, 'grew in the middle of its last line')
  return false
}

async function* readStdin({ formatOf }: FilesOptions, ctx: ReadContext): AsyncGenerator<Batch | SplitsFound> {
  const format = formatOf('-')
  const input = stdinSource()
  try {
    const split = `stdin#${await identityOf(await input.peek(isEnough(format), ctx.signal), format, input)}`
    yield { splits: [{ id: split }], complete: true }
    // It cannot be read twice, so there is no position to go back to.
    for await (const { position: _, ...piece } of format.reader.read(input, undefined, ctx.signal))
      yield { ...piece, split }
    yield lastBatch(split, undefined)
  } catch (error) {
    throw placed(error, 'standard input')
  } finally {
    input.close()
  }
}

/** A failure of reading with the name of its file. */
function placed(error: unknown, name: string): unknown {
  if (!(error instanceof MillraceError) || error.place) return error
  const { code, message, hint, exitCode, cause } = error
  return new MillraceError(code, message, { place: name, hint, exitCode, cause })
}

const sameIdentity = (a: InputFile, b: InputFile): MillraceError =>
  new MillraceError(
    'same_input',
    `${a.path} and ${b.path} have the same name outside the project and begin alike, so their records could not be told apart`,
    {
      hint: 'put them into the project folder, or give them different names',
    },
  )
