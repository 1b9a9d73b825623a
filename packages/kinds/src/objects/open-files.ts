/** The files being written, one for each place that records go to, and the finished ones that wait for a flush. */
import { type Row, SystemError, type WriteFailure } from '@millrace/core'
import { createCompressor, type MakeWriter } from '@millrace/formats'
import type { Layout } from './layout.ts'
import { type FilesWriter, fileName } from './names.ts'
import type { Roll } from './options.ts'
import { chunkBytes, type FinishedFile, type HiddenFile, type OpenFile, Output } from './output.ts'
import type { FilePlace } from './template.ts'

/** All files together may use this much memory; beyond that everything is written to disk. */
const mostHeldBytes = 64 * 1024 * 1024
/** Files that were finished early and wait for the next roll; each becomes a stage. */
const mostFinished = 1000

/** Where files are until they are published. Names are relative to the root. */
export interface Staging {
  /** Whether something has this name, or will have it once it is published. */
  isTaken(final: string): Promise<boolean>
  /** Begins a file under a hidden name that was never used before. */
  create(temp: string, final: string): Promise<HiddenFile>
  /** Truncates a file to its saved length, to continue it. Absent: files cannot be truncated. */
  reopen?(at: OpenFile): Promise<HiddenFile>
  /** Removes a closed file. */
  discard(temp: string): Promise<void>
  /** Resolves when all files that were finished are durable. May be called again after it has failed. */
  settle(signal: AbortSignal): Promise<void>
}

/** What the files have in common. */
export interface FilesContext {
  readonly staging: Staging
  readonly layout: Layout
  readonly mostOpen: number
  readonly writer: FilesWriter
  /** Random for each start, so that hidden names are never reused. */
  readonly start: string
  readonly makeWriter: MakeWriter
  /** Absent: files are written until the end of the run. */
  readonly roll: Roll | undefined
  /** Files of an earlier run that will be replaced, so their names may be used. */
  readonly replaced: readonly string[]
  placeOf(key: string): FilePlace
  now(): number
}

/** The files being written, by place, and those that are finished. */
export class OpenFiles {
  /** How many files were started; in a folder, the number in the last one's name. */
  number: number
  private readonly ctx: FilesContext
  private readonly outputs = new Map<string, Output>()
  private finished: FinishedFile[] = []
  /** When the first of the finished files was started. */
  private finishedSinceMs = Number.POSITIVE_INFINITY
  /** A file reached a bound, and only a roll can publish it. */
  private isDue = false
  /** The number in the name of each place's last file, if names are numbered per place. */
  private readonly numbers = new Map<string, number>()

  constructor(ctx: FilesContext, number: number) {
    this.ctx = ctx
    this.number = number
  }

  /** Truncates a file to its saved length and continues it. */
  async reopen(at: OpenFile): Promise<void> {
    const { staging, makeWriter, now } = this.ctx
    const file = await staging.reopen!(at)
    this.numbers.set(at.key, at.number)
    this.outputs.set(at.key, new Output(at, file, makeWriter(true), undefined, this.bounds, now() - at.ageMs))
  }

  /**
   * Adds rows to one file as long as nothing has to be written to disk. Returns how many it took; rows that the format
   * cannot store are added to `refused`.
   */
  addSync(key: string, rows: readonly Row[], refused: WriteFailure[]): number {
    const output = this.outputs.get(key)
    return !output || this.needsDisk(key) ? 0 : add(output, rows, 0, undefined, refused)
  }

  /** The file has a chunk to write, or is full. */
  needsDisk(key: string): boolean {
    const output = this.outputs.get(key)
    return output !== undefined && (output.pendingBytes >= chunkBytes || output.isFull)
  }

  /**
   * Adds the rows from index `from` on; a full file is finished, and a new one started. `indexes`: the indexes of the
   * rows in the whole write.
   */
  async add(
    key: string,
    rows: readonly Row[],
    from: number,
    indexes: readonly number[] | undefined,
    refused: WriteFailure[],
  ): Promise<void> {
    for (let at = from; at < rows.length || this.needsDisk(key); ) {
      const output = this.outputs.get(key) ?? (await this.begin(key))
      if (output.isFull) {
        await this.finish(key, output)
        this.isDue ||= !this.ctx.layout.append
      } else if (output.pendingBytes >= chunkBytes) await output.drain()
      else {
        // The most recently written file comes last, so the first one is finished early.
        this.outputs.delete(key)
        this.outputs.set(key, output)
        at += add(output, at > 0 ? rows.slice(at) : rows, at, indexes, refused)
      }
    }
  }

  /** Call it after each write to several files: it limits the memory of all of them. */
  async release(): Promise<void> {
    let held = 0
    for (const output of this.outputs.values()) held += output.heldBytes
    if (held > mostHeldBytes) for (const output of this.outputs.values()) await output.release()
  }

  /**
   * Whether the engine should roll. For bounds of records and size this is the case only if the checkpoint waits for a
   * roll; otherwise the file is finished early, and the next flush publishes it.
   */
  isRollDue(nowMs: number): boolean {
    const { roll, layout } = this.ctx
    if (!roll) return false
    if (this.isDue || (!layout.append && this.finished.length >= mostFinished)) return true
    let startedMs = this.finishedSinceMs
    for (const output of this.outputs.values()) startedMs = Math.min(startedMs, output.startedMs)
    return nowMs - startedMs >= roll.ms
  }

  /** Makes all files durable and returns what is needed to continue them. */
  hold(): Promise<OpenFile[]> {
    return Promise.all(this.outputs.values().map((output) => output.hold(this.ctx.now())))
  }

  /** Finishes all files. `atLeastOne`: the place that gets a file even without records. */
  async finishAll(atLeastOne: string | undefined): Promise<void> {
    if (atLeastOne !== undefined && this.number === 0) await this.begin(atLeastOne)
    for (const [key, output] of this.outputs) await this.finish(key, output)
  }

  /** Returns the finished files, which are durable. */
  async takeFinished(signal: AbortSignal): Promise<readonly FinishedFile[]> {
    await this.ctx.staging.settle(signal)
    const { finished } = this
    this.finished = []
    this.finishedSinceMs = Number.POSITIVE_INFINITY
    this.isDue = false
    return finished
  }

  async close(): Promise<void> {
    for (const output of this.outputs.values()) await output.close()
    this.outputs.clear()
  }

  private get bounds() {
    const { roll } = this.ctx
    return { bytes: roll?.bytes ?? Number.POSITIVE_INFINITY, records: roll?.records ?? Number.POSITIVE_INFINITY }
  }

  private async begin(key: string): Promise<Output> {
    const { staging, layout, writer, start, makeWriter, mostOpen, placeOf, now } = this.ctx
    const place = placeOf(key)
    if (this.outputs.size >= mostOpen) await this.finishOldest()
    const { final, number } = await this.freeName(key, place)
    const digits = (n: number) => String(n).padStart(6, '0')
    const temp = `${digits(writer.incarnation)}-${digits(this.number)}-${start}.part`
    const file = await staging.create(temp, final)
    const compressor = layout.compression && createCompressor(layout.compression)
    const output = new Output({ temp, final, key, number }, file, makeWriter(), compressor, this.bounds, now())
    this.outputs.set(key, output)
    return output
  }

  /**
   * The next free name. Numbers are not reused, even if a reader has removed the file. If the path names the file, the
   * names of files that will be replaced are free.
   */
  private async freeName(key: string, place: FilePlace): Promise<{ final: string; number: number }> {
    const { staging, layout, writer, replaced } = this.ctx
    const { template, ending, partitioned } = layout
    const isNamed = template.name !== undefined
    const perPlace = isNamed && partitioned
    this.number++
    for (let number = perPlace ? (this.numbers.get(key) ?? 0) + 1 : this.number; ; number++) {
      const final = fileName(writer, template, ending, place, number)
      if (!(isNamed && replaced.includes(final)) && (await staging.isTaken(final))) continue
      if (perPlace) this.numbers.set(key, number)
      else this.number = number
      return { final, number }
    }
  }

  private async finishOldest(): Promise<void> {
    if (!this.ctx.roll)
      throw new SystemError('too_many_files', `the records go to more than ${this.ctx.mostOpen} files at once`, {
        hint: 'raise max_open_files, write to a folder, or set `roll` so that files can be finished early',
      })
    const [key, oldest] = this.outputs.entries().next().value!
    await this.finish(key, oldest)
  }

  private async finish(key: string, output: Output): Promise<void> {
    const { staging, layout } = this.ctx
    // All its records were refused. Only a file that the path names is created without records.
    if (output.records === 0 && (layout.partitioned || !layout.template.name)) {
      await output.close()
      await staging.discard(output.temp)
      this.outputs.delete(key)
      return
    }
    this.finished.push(await output.finish())
    this.outputs.delete(key)
    this.finishedSinceMs = Math.min(this.finishedSinceMs, output.startedMs)
  }
}

function add(
  output: Output,
  rows: readonly Row[],
  from: number,
  indexes: readonly number[] | undefined,
  refused: WriteFailure[],
): number {
  const written = output.add(rows)
  for (const { index, ...why } of written.refused ?? [])
    refused.push({ ...why, kind: 'data', index: indexes ? indexes[from + index]! : from + index })
  return written.taken
}
