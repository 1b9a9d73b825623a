/**
 * Reads listed files, page by page: the first record does not wait for the last file, and at most one page of files is
 * open.
 */
import type { Batch, ReadContext, SplitsFound } from '@millrace/core'
import { inputChanged } from './failures.ts'
import { duplicateCheck, fillPage, type Found, type Inputs, openFile, splitOf } from './found.ts'
import { readFile, readPipe } from './reading.ts'

/** How many files are opened before the first of them is read. */
const pageFiles = 100

const closeAll = async (page: readonly Found[]): Promise<void> => {
  for (const one of page) if ('input' in one) await one.input.close()
}

/**
 * Reads what is new in these files. If they are watched, files that are not wanted are left for the next look once it
 * is due: the one that is wanted may have come since.
 */
export async function* readListed(
  inputs: Inputs,
  files: readonly string[],
  ctx: ReadContext,
): AsyncGenerator<Batch | SplitsFound> {
  const { watch } = inputs
  let refuseDuplicates: ReturnType<typeof duplicateCheck> | undefined
  let later: string[] = []
  for (let at = 0; at === 0 || at < files.length; at += pageFiles) {
    const page: Found[] = []
    try {
      await fillPage(inputs, files.slice(at, at + pageFiles), page, ctx)
      if (page.length > 0) (refuseDuplicates ??= duplicateCheck(files, inputs.root))(page)
      const complete = !watch && at + pageFiles >= files.length
      if (complete || page.length > 0)
        yield { splits: page.map((one) => splitOf(one, !watch)), ...(complete ? { complete } : {}) }
      yield* readWanted(inputs, page, ctx, files.length > pageFiles)
      later.push(...page.map(({ path }) => path))
    } finally {
      await closeAll(page)
    }
  }
  if (watch && !watch.isWaiting) yield { splits: [], current: true }
  while (later.length > 0 && !ctx.signal.aborted) {
    const page: Found[] = []
    try {
      await fillPage(inputs, later.slice(0, pageFiles), page, ctx)
      const before = page.length
      yield* readWanted(inputs, page, ctx, later.length > pageFiles)
      // Others may be wanted first.
      later = [...later.slice(pageFiles), ...page.map(({ path }) => path)]
      if (page.length === before && before > 0) await (watch ? watch.hold(ctx.whenWanted()) : ctx.whenWanted())
    } finally {
      await closeAll(page)
    }
    if (watch?.isOver) return
  }
}

/**
 * Reads the wanted files of a page, repeatedly, since one may become wanted only after another, even in the middle of
 * it. `isMore`: there are other pages, whose files may be wanted.
 */
async function* readWanted(inputs: Inputs, page: Found[], ctx: ReadContext, isMore: boolean): AsyncGenerator<Batch> {
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
