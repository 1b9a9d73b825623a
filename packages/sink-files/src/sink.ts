/**
 * Writes records to files: hidden while they are written, published when they are complete (publish-once).
 *
 * Below the root of the path a hidden folder holds the files being written, one for each place that records go to. Rows
 * are encoded immediately and written in chunks. When a file reaches a bound of records or size in the middle of a
 * write, it is finished and a new one started. A flush without roll makes files that can be truncated durable and
 * leaves them open; `resume` lists them with their lengths. With roll, all files are finished, synced and returned as
 * stages, which publish.ts publishes. Leftovers of a failed attempt in the hidden folder are removed at the next start,
 * unless `resume` lists them.
 */
import { createHash } from 'node:crypto'
import { basename, join } from 'node:path'
import { type Flushed, type Json, MillraceError, type OpenContext, type Sink, type SinkContext } from '@millrace/core'
import { checkFolder, type Disk, portable } from '@millrace/client-files'
import { fileWriteFormats } from '@millrace/formats-columnar'
import { findExisting } from './existing.ts'
import { layoutOf, type Options, storedTypeOf } from './options.ts'
import { publishStage, type Stage, stagesOf } from './publish.ts'
import { isMark, PublishedMark, stateOlder, type Token } from './published-mark.ts'
import { hiddenFolder } from './staging.ts'
import {
  defaultRoll,
  fileName,
  type FilesWriter,
  type OpenFile,
  OpenFiles,
  outputExists,
  pipelineName,
  placer,
  type Roll,
  writeByPlace,
} from '@millrace/kinds'

/** What a flush leaves for a restart. */
interface Resume {
  /** The hidden folder's name. */
  readonly staging: string
  /** How many files were started; in a folder, the number in the last one's name. */
  readonly number: number
  /** The last stage that a flush returned. */
  readonly last: Token
  /** The last stage that was published before this flush. */
  readonly published: Token | null
  readonly open: readonly OpenFile[]
  /** Hidden files that are stages. */
  readonly staged: readonly string[]
  /** The files of an earlier run are removed, or will be by a stage of this flush. */
  readonly replaced: boolean
}

/** Makes the sink. `disk` and `now` (ms) are arguments for tests. */
export function createFilesSink(o: Options, ctx: SinkContext, disk: Disk, now: () => number): Sink {
  const layout = layoutOf(o)
  const { template, append, ending, partitioned } = layout
  const root = ctx.resolve(template.root)
  const { keyOf, placeOf } = placer(template, ctx.schema, o.zone)
  const theKey = partitioned ? '' : keyOf({})
  let files: OpenFiles | undefined
  let mark: PublishedMark
  let staging = ''
  let start = ''
  let seq = 0
  let roll: Roll | undefined
  /** Hidden files that are stages and not published yet. */
  const staged = new Set<string>()
  /** Files of an earlier run; with `replacing`, removed when the first file of this one is published. */
  let old: string[] = []
  let replacing = false

  async function open(open: OpenContext): Promise<void> {
    const writer = { pipeline: ctx.pipeline, sink: ctx.id, incarnation: open.incarnation, instance: open.instance }
    // In a run without end, a file that is written until the end would never be published.
    roll = layout.roll ?? (template.name && open.whole ? undefined : defaultRoll)
    start = open.start
    const restore = open.restore as unknown as Resume | undefined
    const stagingOf = (id: string) =>
      `.${pipelineName(writer)}.${id}.${createHash('sha256').update(ctx.home).digest('hex').slice(0, 8)}`
    staging = restore?.staging ?? stagingOf(ctx.id)
    const makeWriter = await fileWriteFormats.prepare(layout.format, storedTypeOf(o, ctx.schema))
    await checkPlace(writer)
    const former = open.formerly && stagingOf(open.formerly)
    if (former && former !== staging) await takeOver(former)
    const hidden = (await disk.list(join(root, staging))).map((entry) => entry.name)
    mark = new PublishedMark(disk, join(root, staging), hidden)
    if (restore && !mark.isKnownTo(restore)) throw stateOlder(ctx.id, join(root, staging), restore.last, mark.last!)
    seq = restore?.last.seq ?? mark.last?.seq ?? 0
    const existing = open.existing ?? o.existing
    replacing = existing === 'replace' && !restore?.replaced
    old = !restore || replacing ? await findExisting(disk, root, writer, template, ending) : []
    if (!restore && existing === 'stop' && old.length > 0) throw outputExists(old.map((path) => join(root, path)))
    for (const temp of restore?.staged ?? []) staged.add(temp)
    const kept = new Set([...staged, ...(restore?.open ?? []).map((file) => file.temp)])
    for (const name of hidden) if (!isMark(name) && !kept.has(name)) await disk.remove(join(root, staging, name))
    const hiddenFiles = hiddenFolder(disk, root, staging)
    const set = { staging: hiddenFiles, layout, writer, start, makeWriter, roll, placeOf, now }
    const mostOpen = o.max_open_files
    files = new OpenFiles({ ...set, mostOpen, replaced: replacing ? old : [] }, restore?.number ?? 0)
    for (const file of restore?.open ?? []) await files.reopen(file)
  }

  /** The hidden folder that it had before it was renamed, from which nothing was saved. */
  async function takeOver(former: string): Promise<void> {
    const isThere = async (name: string) => (await disk.look(join(root, name)))?.kind === 'folder'
    if ((await isThere(former)) && !(await isThere(staging))) await disk.rename(join(root, former), join(root, staging))
  }

  /** Reports early what would make a write fail. */
  async function checkPlace(writer: FilesWriter): Promise<void> {
    await checkFolder(disk, root)
    if (!template.name || partitioned) return
    const file = join(root, fileName(writer, template, ending, placeOf(theKey), 1))
    if ((await disk.look(file))?.kind === 'folder')
      throw new MillraceError('output_taken', `${file} is a folder`, { hint: 'choose another path', exitCode: 3 })
  }

  return {
    open,
    write: (records) => writeByPlace(files!, records, keyOf, partitioned),
    full: () => files!.isRollDue(now()),
    async flush({ roll: asked, end, signal }): Promise<Flushed> {
      // A file that the path names continues across stops and the rolls of others, if it can.
      const rolls = end || (asked && (roll !== undefined || !append))
      if (rolls) await files!.finishAll(end && template.name && !partitioned ? theKey : undefined)
      const open = rolls ? [] : await files!.hold()
      const finished = await files!.takeFinished(signal)
      const removes = replacing && (finished.length > 0 || end) ? old : []
      if (finished.length > 0 || end) replacing = false
      const stages = stagesOf(finished, portable(root, ctx.root), staging, removes, { seq, start })
      seq += finished.length
      for (const file of finished) staged.add(file.temp)
      const resume: Resume = {
        staging,
        number: files!.number,
        last: { seq, start },
        published: mark.last ?? null,
        open,
        staged: [...staged],
        replaced: !replacing,
      }
      return { resume: resume as unknown as Json, stages, unfinished: open.length > 0 }
    },
    async publish(saved) {
      const stage = saved as unknown as Stage
      await publishStage(disk, stage, (path) => ctx.resolve(path), mark)
      if (stage.file) staged.delete(basename(stage.file.temp))
    },
    async close() {
      await files?.close()
      if (staging !== '') await disk.removeFolder(join(root, staging))
    },
  }
}
