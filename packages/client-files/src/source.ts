/**
 * Reads files as a source: one after the other in the order of their names, each a split.
 *
 * A split's id is the file's name and the identity of its content. Its position is that of the format's reader, with
 * the extent of what was read (input.ts), so that a resumed run notices if the file has changed. The source's memory
 * has the identity of each file by its path, so that a file that was read to its end and looks unchanged need not be
 * opened. It also records which file is being read: if that one was changed or removed, it would otherwise look like a
 * new file, or like none.
 *
 * Files are opened page by page: the first record does not wait for the last file, and at most one page of files is
 * open.
 */
import { join } from 'node:path'
import type { Batch, Done, Env, ReadContext, Source, SplitsFound } from '@millrace/core'
import { type InputFormat, withoutCompression } from '@millrace/formats'
import { type AfterRead, disposeOf } from './after.ts'
import { type Disk, nodeDisk } from './disk.ts'
import { inputChanged } from './failures.ts'
import {
  splitOf,
  type Found,
  identityIn,
  type Inputs,
  fillPage,
  nameOf,
  openFile,
  refuseChanged,
  savedOf,
  oneTimeSplit,
  duplicateCheck,
} from './found.ts'
import { listInputs, projectName } from './list.ts'
import { placeOf } from './place.ts'
import { readFile, readPipe } from './reading.ts'

/** The configuration of a file source. */
export interface FilesOptions {
  /** As written; `-` is standard input. */
  readonly paths: readonly string[]
  /** The file name extensions that are read in a folder: `.csv`. */
  readonly endings: readonly string[]
  /** What happens to a file once all of it is saved; `move`: an absolute path. */
  readonly afterRead?: AfterRead
  /** By the name of the file, without the extension of its compression. */
  formatOf(name: string): InputFormat
}

/** How many files are opened before the first of them is read. */
const pageFiles = 100

const closeAll = async (page: readonly Found[]): Promise<void> => {
  for (const one of page) if ('input' in one) await one.input.close()
}

/** A source over files. It opens them only when it reads. `disk` is an argument for tests. */
export function filesSource(options: FilesOptions, env: Pick<Env, 'root' | 'resolve'>, disk: Disk = nodeDisk): Source {
  const { paths, endings, afterRead = 'keep' } = options
  const { root } = env
  const inputs: Inputs = {
    disk,
    root,
    keepsFiles: afterRead === 'keep',
    formatOf: (path) => options.formatOf(withoutCompression(path)),
  }
  const list = () => listInputs(disk, paths, env, endings, !inputs.keepsFiles)

  async function* readAll(ctx: ReadContext): AsyncGenerator<Batch | SplitsFound> {
    const files = await list()
    await refuseChanged(inputs, files, ctx)
    const refuseDuplicates = duplicateCheck(files, root)
    let later: string[] = []
    for (let at = 0; at === 0 || at < files.length; at += pageFiles) {
      const page: Found[] = []
      try {
        await fillPage(inputs, files.slice(at, at + pageFiles), page, ctx)
        refuseDuplicates(page)
        const complete = at + pageFiles >= files.length
        if (complete || page.length > 0) yield { splits: page.map(splitOf), ...(complete ? { complete } : {}) }
        yield* readWanted(page, ctx, files.length > pageFiles)
        later.push(...page.map(({ path }) => path))
      } finally {
        await closeAll(page)
      }
    }
    while (later.length > 0 && !ctx.signal.aborted) {
      const page: Found[] = []
      try {
        await fillPage(inputs, later.slice(0, pageFiles), page, ctx)
        const before = page.length
        yield* readWanted(page, ctx, later.length > pageFiles)
        // Others may be wanted first.
        later = [...later.slice(pageFiles), ...page.map(({ path }) => path)]
        if (page.length === before && before > 0) await ctx.whenWanted()
      } finally {
        await closeAll(page)
      }
    }
  }

  /**
   * Reads the wanted files of a page, repeatedly, since one may become wanted only after another, even in the middle of
   * it. `isMore`: there are other pages, whose files may be wanted.
   */
  async function* readWanted(page: Found[], ctx: ReadContext, isMore: boolean): AsyncGenerator<Batch> {
    for (;;) {
      const one = page.find(({ split }) => ctx.wants(split))
      if (!one || ctx.signal.aborted) return
      const isOtherWanted = () => isMore || page.some(({ split }) => split !== one.split && ctx.wants(split))
      const isDone = yield* 'input' in one ? readFile(inputs, one, ctx, isOtherWanted) : readPipe(inputs, one, ctx)
      if ('input' in one) await one.input.close()
      if (ctx.signal.aborted) return
      if (isDone || !('input' in one)) {
        page.splice(page.indexOf(one), 1)
        continue
      }
      const again = await openFile(inputs, one.path, ctx.signal)
      page[page.indexOf(one)] = again
      if (again.split !== one.split) throw inputChanged(one.name, 'has been replaced')
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
    read: (ctx) => (paths.includes('-') ? readStandardInput(ctx) : readAll(ctx)),
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
