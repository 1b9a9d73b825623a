/**
 * Writes records to files: hidden while they are written, shown whole (publish-once).
 *
 * Below the root of the path a hidden folder holds the files under way, one for each place that records go to. Rows are encoded at once and written in chunks.
 * A flush without roll makes files that can be cut back durable and leaves them open; `resume` lists them with their lengths. With roll, files are finished,
 * synced and handed out as stages; publish.ts shows them. What a dead attempt left in the hidden folder is removed at the next start, unless it is in `resume`.
 */
import { createHash, randomBytes } from 'node:crypto'
import { basename, join } from 'node:path'
import {
  type Flushed,
  type Json,
  MillraceError,
  type OpenContext,
  PartialWriteError,
  type Records,
  type Row,
  type Sink,
  type SinkContext,
  SystemError,
  type WriteFailure,
} from '@millrace/core'
import { checkFolder, createCompressor, type Disk, type MakeWriter, portable, prepareWriter } from '@millrace/formats'
import { fileName, findExisting, pipelineName, type Writer } from './names.ts'
import { defaultRoll, layoutOf, type Options, type Roll } from './options.ts'
import { chunkBytes, type FinishedFile, type OpenFile, Output } from './output.ts'
import { ensureInside, publishStage, type Stage, stagesOf } from './publish.ts'
import { type Place, placer } from './template.ts'

/** All files together may hold this much in memory; then all of it is written. */
const mostHeldBytes = 64 * 1024 * 1024

/** Files that were finished early and wait for the next roll; each is a stage of its own. */
const mostFinished = 1000

/** What a flush leaves for a restart. */
interface Resume {
  /** The hidden folder's name. */
  readonly staging: string
  /** How many files were begun; in a folder, the number in the last one's name. */
  readonly number: number
  readonly open: readonly OpenFile[]
  /** Hidden files that are stages. */
  readonly staged: readonly string[]
  /** The files of an earlier run are removed, or are by a stage of this flush. */
  readonly replaced: boolean
}

/** Makes the sink. `disk` and `now` (ms) are arguments for tests. */
export function createFilesSink(o: Options, ctx: SinkContext, disk: Disk, now: () => number): Sink {
  const layout = layoutOf(o)
  const { template, append, compression, ending, partitioned } = layout
  const root = ctx.resolve(template.root)
  const { keyOf, placeOf } = placer(template, ctx.schema)
  const outputs = new Map<string, Output>()
  let writer: Writer
  let staging = ''
  let token = ''
  let makeWriter: MakeWriter | undefined
  let roll: Roll | undefined = layout.roll ?? (template.name ? undefined : defaultRoll)
  let number = 0
  /** Finished before a roll, because too many were open. */
  let finished: FinishedFile[] = []
  /** Hidden files that are stages and not shown yet. */
  const staged = new Set<string>()
  /** Files of an earlier run; to be removed when the first of this one is shown, where `replacing`. */
  let old: string[] = []
  let replacing = false
  const begun = new Set<string>()
  /** Files were made in the hidden folder since it was synced. */
  let unsynced = false

  async function open(open: OpenContext): Promise<void> {
    writer = { pipeline: ctx.pipeline, sink: ctx.id, incarnation: open.incarnation, instance: open.instance }
    // A run without end would never show a file that is written to its end.
    if (!open.whole) roll ??= defaultRoll
    token = randomBytes(4).toString('hex')
    const restore = open.restore as unknown as Resume | undefined
    staging =
      restore?.staging ??
      `.${pipelineName(writer)}.${ctx.id}.${createHash('sha256').update(ctx.home).digest('hex').slice(0, 8)}`
    number = restore?.number ?? 0
    for (const temp of restore?.staged ?? []) staged.add(temp)
    makeWriter = await prepareWriter(layout.format, ctx.schema)
    await checkPlace()
    const existing = open.existing ?? o.existing
    replacing = existing === 'replace' && !restore?.replaced
    old = !restore || replacing ? await findExisting(disk, root, writer, template, ending) : []
    if (!restore && existing === 'stop' && old.length > 0) throw leftByOthers(root, old)
    const kept = new Set([...staged, ...(restore?.open ?? []).map((file) => file.temp)])
    for (const entry of await disk.list(join(root, staging)))
      if (!kept.has(entry.name)) await disk.remove(join(root, staging, entry.name))
    for (const file of restore?.open ?? []) await goOn(file)
  }

  /** Says early what a write would fail with. */
  async function checkPlace(): Promise<void> {
    await checkFolder(disk, root)
    if (!template.name || partitioned) return
    const file = join(root, fileName(writer, template, ending, placeOf(theKey), 1))
    if ((await disk.look(file))?.kind === 'folder')
      throw new MillraceError('output_taken', `${file} is a folder`, { hint: 'choose another path', exitCode: 3 })
  }

  /** Cuts a file back to what was saved, and goes on with it. */
  async function goOn(at: OpenFile): Promise<void> {
    const path = join(root, staging, at.temp)
    const file = await disk.reopen(path)
    const hint = 'someone changed or removed it; write everything again: pipe state reset, then run with --replace'
    if (!file)
      throw new SystemError(
        'stage_missing',
        `${path}, which holds ${at.records} records that were written before, is gone`,
        { hint },
      )
    if ((await file.size()) < at.bytes) {
      await file.close()
      throw new SystemError('stage_missing', `${path} is shorter than the ${at.bytes} bytes that were written to it`, {
        hint,
      })
    }
    await file.truncate(at.bytes)
    begun.add(at.final)
    outputs.set(at.key, new Output(at, file, makeWriter!(true), undefined, now()))
  }

  async function begin(key: string): Promise<Output> {
    const place = placeOf(key)
    if (outputs.size >= o.max_open_files) await makeRoom()
    await ensureInside(disk, root, join(root, place.folder))
    const final = await freeName(place)
    const temp = `${String(writer.incarnation).padStart(6, '0')}-${String(number).padStart(6, '0')}-${token}.part`
    await disk.makeFolder(join(root, staging))
    const file = await disk.create(join(root, staging, temp))
    unsynced = true
    const output = new Output(
      { temp, final, key },
      file,
      makeWriter!(),
      compression && createCompressor(compression),
      now(),
    )
    begun.add(final)
    outputs.set(key, output)
    return output
  }

  /** The first name that nobody has. Where the path names the file, those of a run that is replaced are free. */
  async function freeName(place: Place): Promise<string> {
    number++
    for (let n = template.name ? 1 : number; ; n++) {
      const final = fileName(writer, template, ending, place, n)
      const isFree =
        !begun.has(final) &&
        ((template.name && replacing && old.includes(final)) || !(await disk.look(join(root, final))))
      if (!isFree) continue
      if (!template.name) number = n
      return final
    }
  }

  async function makeRoom(): Promise<void> {
    if (!roll)
      throw new SystemError('too_many_files', `the records go to more than ${o.max_open_files} files at once`, {
        hint: 'raise max_open_files, write to a folder, or set `roll` so that files can be finished early',
      })
    const [key, oldest] = outputs.entries().next().value!
    outputs.delete(key)
    finished.push(await oldest.finish())
  }

  function refuse(refused: WriteFailure[]): void {
    if (refused.length > 0) throw new PartialWriteError(refused.toSorted((a, b) => a.index - b.index))
  }

  /** Takes rows for one file; `indexes`: where they stand in the write. */
  async function put(
    key: string,
    rows: readonly Row[],
    indexes: readonly number[] | undefined,
    refused: WriteFailure[],
  ): Promise<void> {
    const output = outputs.get(key) ?? (await begin(key))
    if (partitioned) {
      // The file written last comes last, so that the first is the one to be finished early.
      outputs.delete(key)
      outputs.set(key, output)
    }
    for (const { index, ...why } of output.add(rows) ?? [])
      refused.push({ ...why, kind: 'data', index: indexes ? indexes[index]! : index })
    if (output.pendingBytes >= chunkBytes) await output.drain()
  }

  /** The key of a row's place; undefined: a time in it has no text, which is told. */
  function keyIn(row: Row, index: number, refused: WriteFailure[]): string | undefined {
    try {
      return keyOf(row)
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      refused.push({ index, kind: 'data', code: 'out_of_range', message: error.message })
      return undefined
    }
  }

  async function putAll(records: Records): Promise<void> {
    const refused: WriteFailure[] = []
    if (partitioned) {
      const groups = new Map<string, { rows: Row[]; indexes: number[] }>()
      let last = { rows: [] as Row[], indexes: [] as number[] }
      let lastKey: string | undefined
      records.rows.forEach((row, i) => {
        const key = keyIn(row, i, refused)
        if (key === undefined) return
        if (key !== lastKey) {
          lastKey = key
          const group = groups.get(key)
          last = group ?? { rows: [], indexes: [] }
          if (!group) groups.set(key, last)
        }
        last.rows.push(row)
        last.indexes.push(i)
      })
      for (const [key, { rows, indexes }] of groups) await put(key, rows, indexes, refused)
      let held = 0
      for (const output of outputs.values()) held += output.heldBytes
      if (held > mostHeldBytes) for (const output of outputs.values()) await output.release()
    } else await put(theKey, records.rows, undefined, refused)
    refuse(refused)
  }
  const theKey = partitioned ? '' : keyOf({})

  async function flush({ roll: asked, end }: { roll: boolean; end: boolean }): Promise<Flushed> {
    // A file that the path names goes on over stops and the rolls of others, if it can.
    const rolls = end || (asked && (roll !== undefined || !append))
    let open: OpenFile[] = []
    if (rolls) {
      if (end && number === 0 && template.name && !partitioned) await begin(theKey)
      for (const [key, output] of outputs) {
        finished.push(await output.finish())
        outputs.delete(key)
      }
    } else open = await Promise.all(outputs.values().map((output) => output.hold()))
    const files = finished
    finished = []
    if (unsynced) await disk.syncFolder(join(root, staging))
    unsynced = false
    const removes = replacing && (files.length > 0 || end) ? old : []
    if (files.length > 0 || end) replacing = false
    for (const file of files) staged.add(file.temp)
    const resume: Resume = { staging, number, open, staged: [...staged], replaced: !replacing }
    return { resume: resume as unknown as Json, stages: stagesOf(files, portable(root, ctx.root), staging, removes) }
  }

  return {
    open,
    write(records) {
      if (records.length === 0) return undefined
      const only = partitioned ? undefined : outputs.get(theKey)
      if (!only) return putAll(records)
      const refused = only.add(records.rows)
      const failed = () => refuse((refused ?? []).map((why) => ({ ...why, kind: 'data' as const })))
      if (only.pendingBytes >= chunkBytes) return only.drain().then(failed)
      return failed()
    },
    full() {
      if (!roll) return false
      const since = now() - roll.ms
      for (const output of outputs.values())
        if (output.size >= roll.bytes || output.records >= roll.records || output.startedMs <= since) return true
      return finished.length >= mostFinished
    },
    flush,
    async publish(saved) {
      const stage = saved as unknown as Stage
      await publishStage(disk, stage, (path) => ctx.resolve(path))
      if (stage.file) staged.delete(basename(stage.file.temp))
    },
    async close() {
      for (const output of outputs.values()) await output.close()
      outputs.clear()
      if (staging !== '') await disk.removeFolder(join(root, staging))
    },
  }
}

function leftByOthers(root: string, old: readonly string[]): MillraceError {
  const names = old.slice(0, 3).map((path) => join(root, path))
  const more = old.length > 3 ? ` and ${old.length - 3} more` : ''
  return new MillraceError(
    'output_exists',
    `an earlier run left ${old.length === 1 ? 'a file' : 'files'} where this one would write: ${names.join(', ')}${more}`,
    {
      hint: 'run with --replace to put the new results in their place, or with --keep to add to them; `existing: replace` or `keep` says so for every run',
      exitCode: 3,
    },
  )
}
