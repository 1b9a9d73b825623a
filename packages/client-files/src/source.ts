/**
 * Reads files as a source: one after the other in the order of their names, each a split.
 *
 * A split's id is the file's name and the identity of its content. Its position is that of the format's reader, with
 * the extent of what was read (input.ts), so that a resumed run notices if the file has changed. The source's memory
 * has the identity of each file by its path, so that a file that was read to its end and looks unchanged need not be
 * opened. It also records which file is being read: if that one was changed or removed, it would otherwise look like a
 * new file, or like none.
 */
import { join } from 'node:path'
import type { Batch, CaughtUp, Done, Env, ReadContext, Source, SplitsFound } from '@millrace/core'
import { type InputFormat, withoutCompression } from '@millrace/formats'
import { type AfterRead, disposeOf } from './after.ts'
import { type Disk, nodeDisk } from './disk.ts'
import { identityIn, type Inputs, nameOf, oneTimeSplit, openFile, refuseChanged, savedOf } from './found.ts'
import { type Absence, listInputs, projectName } from './list.ts'
import { readListed } from './listed.ts'
import { placeOf } from './place.ts'
import { withProgress } from './progress.ts'
import { readPipe } from './reading.ts'
import { createWatch, type Watch } from './watch.ts'

/** The configuration of a file source. */
export interface FilesOptions {
  /** As written; `-` is standard input. */
  readonly paths: readonly string[]
  /** The file name extensions that are read in a folder: `.csv`. */
  readonly endings: readonly string[]
  /** What happens to a file once all of it is saved; `move`: an absolute path. */
  readonly afterRead?: AfterRead
  /** The source does not end: it looks for more again and again, with this pause, ms. */
  readonly watchMs?: number | undefined
  /** By the name of the file, without the extension of its compression. */
  formatOf(name: string): InputFormat
}

/** A source over files. It opens them only when it reads. `disk` is an argument for tests. */
export function filesSource(options: FilesOptions, env: Pick<Env, 'root' | 'resolve'>, disk: Disk = nodeDisk): Source {
  const { paths, endings, afterRead = 'keep', watchMs } = options
  const { root } = env
  const keepsFiles = afterRead === 'keep'
  const inputs: Inputs = {
    disk,
    root,
    keepsFiles,
    watch: watchMs === undefined ? undefined : createWatch(watchMs, keepsFiles),
    formatOf: (path) => options.formatOf(withoutCompression(path)),
  }
  const absence: Absence = inputs.watch ? 'awaited' : keepsFiles ? 'error' : 'gone'
  const list = () => listInputs(disk, paths, env, endings, absence)

  async function* readOnce(ctx: ReadContext): AsyncGenerator<Batch | SplitsFound> {
    const files = await list()
    await refuseChanged(inputs, files, ctx)
    yield* readListed(inputs, files, ctx)
  }

  async function* readWatched(watch: Watch, ctx: ReadContext): AsyncGenerator<Batch | SplitsFound | CaughtUp> {
    const { signal, warn } = ctx
    await refuseChanged(inputs, await list(), ctx)
    for (const typed of paths)
      if (!/[*?[{]/.test(typed) && !(await disk.state(env.resolve(typed))))
        warn(`${typed} does not exist yet: it is read as soon as it does`)
    for (let reports = 0; !signal.aborted; ) {
      watch.begin()
      yield* readListed(inputs, await list(), ctx)
      if (signal.aborted) return
      if (!watch.isWaiting) {
        yield { caughtUp: [] }
        // Only a second report proves that it has looked since the start, so it follows at once.
        if (++reports === 1) continue
      }
      if (!watch.isOver) await watch.pause(signal)
    }
  }

  async function* readStandardInput(ctx: ReadContext): AsyncGenerator<Batch | SplitsFound> {
    const split = oneTimeSplit('stdin')
    yield { splits: [{ id: split }], complete: true }
    yield* readPipe(inputs, { path: '-', name: 'standard input', split, kind: 'pipe' }, ctx)
  }

  async function putAllAway(done: readonly Done[], after: Exclude<AfterRead, 'keep'>): Promise<void> {
    const folders = new Set<string>()
    for (const { split, position, ended } of done) {
      const read = savedOf(position)?.read
      if (!ended || !read?.done) continue
      const name = nameOf(split)
      const { stamp, path = join(root, name) } = read
      for (const folder of await disposeOf(disk, { path, name, identity: identityIn(split), stamp }, after))
        folders.add(folder)
    }
    for (const folder of folders) await disk.syncFolder(folder)
  }

  return {
    read(ctx) {
      if (paths.includes('-')) return readStandardInput(ctx)
      const { watch } = inputs
      return withProgress<Batch | SplitsFound | CaughtUp>(ctx, watch !== undefined, (own) =>
        watch ? readWatched(watch, own) : readOnce(own),
      )
    },
    async locate(split, position) {
      const { signal } = new AbortController()
      const name = nameOf(split)
      for (const path of paths.includes('-') ? [] : await list()) {
        if (projectName(path, root) !== name || (await disk.state(path))?.kind !== 'file') continue
        const one = await openFile(inputs, path, signal)
        try {
          if (one.split === split) return await placeOf(name, one.input, inputs.formatOf(path), position, signal)
        } finally {
          await one.input.close()
        }
      }
      return `${name}, byte ${position}`
    },
    ...(afterRead === 'keep' ? {} : { commit: (done: readonly Done[]) => putAllAway(done, afterRead) }),
  }
}
