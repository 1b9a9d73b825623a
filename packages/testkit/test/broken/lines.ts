/**
 * A small correct source, and every way to break it that the suite must detect. It reads lines `number;date;name` of
 * all files in a folder, side by side; a line that begins with `!` cannot be decoded. Its position is the byte offset
 * of the next line and the folder's id, which is in a file next to it. The separator of a line's parts is in its
 * context. It leaves out batches of which a condition wants no line.
 */
import { readFileSync, readdirSync, writeFileSync, openSync } from 'node:fs'
import { join } from 'node:path'
import {
  type BadRecord,
  codegenAllowed,
  compileExpression,
  compileReformat,
  DataError,
  defineSource,
  type Json,
  option,
  type Row,
  type RecordType,
  type SourceContext,
  type Batch,
  type CaughtUp,
  MillraceError,
  type ReadContext,
  type SplitsFound,
} from '@millrace/core'

export const lineType: RecordType = {
  fields: {
    n: { type: { kind: 'integer' }, optional: false },
    day: { type: { kind: 'string' }, optional: false },
    name: { type: { kind: 'string' }, optional: true },
  },
}

const options = option.object({
  folder: option.path('The folder.'),
  bug: option.text('What to do wrong.', { default: '' }),
  endless: option.boolean('Never ends.', { default: false }),
})

interface Position {
  readonly folder: string
  readonly at: number
}
const context = { separator: ';' }

function decode(text: string, separator = context.separator): Row {
  if (text.startsWith('!')) throw new DataError('bad_line', 'a line that begins with !', 'n')
  const [n, day, name] = text.split(separator)
  return { n: Number(n), day, name: name || null }
}

function* batchesOf(
  path: string,
  split: string,
  from: number,
  bug: string,
  { push, schema }: SourceContext,
  folder: string,
): Generator<Batch> {
  const bytes = readFileSync(path)
  let at = from
  let buffer: Uint8Array | undefined
  while (at < bytes.length) {
    const rows: Row[] = []
    const starts: number[] = []
    const ends: number[] = []
    const bad: BadRecord[] = []
    let unknown = 0
    // Where a batch ends depends on where the reading began, as with real chunks.
    for (let n = 0; n < 4 && at < bytes.length && (n === 0 || (at - from) % 50 < 40); n++) {
      const end = bytes.indexOf(10, at) + 1
      const text = bytes.toString('utf8', at, end - 1)
      try {
        let row: Row = decode(text)
        if (bug === 'wrong type') row['n'] = text.split(';')[0]
        if (!codegenAllowed && bug === 'twin differs') row['n'] = -1
        for (const { date, from: name } of push?.columns ?? []) {
          if (
            date &&
            bug !== 'push forgets dates' &&
            compileReformat(date.formats, date.zone, date.to!)(row[name] as string) === undefined
          )
            throw new DataError('bad_date', 'no date', name)
        }
        if (push) {
          const whole = row
          row = Object.fromEntries(
            push.columns.map(({ name, from, date }) => [
              name,
              date && bug !== 'push forgets dates'
                ? compileReformat(date.formats, date.zone, date.to!)(whole[from] as string)
                : whole[from],
            ]),
          )
        }
        for (const name of Object.keys(decode(text))) if (!Object.hasOwn(schema.fields, name)) unknown++
        rows.push(row)
        starts.push(at)
        ends.push(end)
      } catch (error) {
        const { code, field, message } = error as DataError
        const step = code === 'bad_date' && bug !== 'step unnamed' ? { step: 'dates' } : {}
        if (bug !== 'drops bad')
          bad.push({
            position: bug === 'positions repeat' ? 7 : at,
            bytes:
              bug === 'bad without bytes'
                ? new Uint8Array()
                : bug === 'bytes of another'
                  ? bytes.subarray(0, bytes.indexOf(10) + 1)
                  : bytes.subarray(at, end),
            ...(bug === 'forgets the context' ? {} : { context }),
            code: bug === 'wrong code' ? 'oops' : code,
            ...(field ? { field } : {}),
            message,
            ...step,
          })
      }
      at = end
    }
    const skipped = bad.length === 0 ? skippedOf(rows, push, schema, bug) : 0
    if (skipped > 0) rows.length = 0
    const first = starts[0] ?? at
    const raws = starts.map((start, i) => bytes.subarray(start, ends[i]!))
    if (bug === 'reuses its buffer') buffer ??= new Uint8Array(200)
    if (buffer) raws.forEach((raw, i) => buffer!.set(raw, i * 30))
    if (bug === 'loses one' && from === 0) rows.pop()
    const next = bug === 'position too far' ? bytes.indexOf(10, at) + 1 || at : bug === 'position lags' ? first : at
    const position: Json = bug === 'position of another shape' ? { folder, at: String(next) } : { folder, at: next }
    yield {
      split,
      rows,
      ...(bug === 'no position' ? {} : { position }),
      ...(bug === 'same ids' ? { idAt: () => 'same' } : {}),
      positionAt: (i) =>
        bug === 'position by batch'
          ? first + i
          : bug === 'positions repeat'
            ? 7
            : bug === 'positions fall'
              ? -starts[i]!
              : bug === 'random ids'
                ? Math.random()
                : starts[i]!,
      ...(bug === 'no bytes' || (bug === 'no bytes when pushed' && push)
        ? {}
        : {
            rawAt: (i: number) =>
              buffer
                ? buffer.subarray(i * 30, i * 30 + raws[i]!.length)
                : bug === 'wrong bytes'
                  ? bytes.subarray(0, 12)
                  : raws[i]!,
          }),
      ...(bug === 'forgets the context' ? {} : { contextAt: () => context }),
      bad,
      ...(skipped > 0 && bug !== 'skips uncounted'
        ? { dropped: [[bug === 'skips for another' ? 'other' : push!.where!.step, skipped] as const] }
        : {}),
      ...(bug === 'counts nothing left out' ? {} : { unknown }),
      bytes: bug === 'no bytes counted' ? 0 : at - first,
    }
    if (bug === 'changes its rows') rows.forEach((row) => (row['n'] = 0))
  }
}

/** How many rows need not be read: all, or none. */
function skippedOf(rows: readonly Row[], push: SourceContext['push'], schema: RecordType, bug: string): number {
  if (!push?.where) return 0
  const condition = compileExpression(push.where.condition, schema)
  if (!condition.ok) throw new Error(condition.problems[0]!.message)
  const tested = bug === 'skips too much' ? rows.slice(0, 1) : rows
  return tested.every((row) => condition.evaluate(row) !== true) ? rows.length : 0
}

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => (signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve())))
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

export const lines = defineSource({
  kind: 'source',
  type: 'lines',
  summary: 'Lines of files.',
  options,
  capabilities: ({ endless }) => ({
    bounded: !endless,
    replayable: true,
    lanes: 'split',
    shares: true,
    pushdown: true,
    skips: true,
    commit: 'report',
  }),
  decoder:
    ({ bug }) =>
    (bytes, given) => {
      const { separator = '|' } = (given ?? {}) as { separator?: string }
      if (bug === 'fails otherwise later' && bytes[0] === 0x21) throw new DataError('other', 'another code', 'n')
      return decode(Buffer.from(bytes).toString('utf8').trimEnd() + (bug === 'decodes otherwise' ? 'x' : ''), separator)
    },
  create({ folder, bug, endless }, ctx) {
    if (bug === 'opens in create') openSync(ctx.resolve(folder), 'r')
    if (bug === 'writes in create') writeFileSync(join(ctx.root, 'touched'), '')
    if (bug === 'timer in create') setTimeout(() => {}, 300)
    return {
      read: (read) => readFolder(ctx.resolve(folder), bug, endless, ctx, read),
      ...(bug === 'commits once' ? { commit: commitOnce() } : { commit: async () => {} }),
      locate: async (split, position) => (bug === 'says nothing' ? '' : `${split} (byte ${position})`),
    }
  },
})

async function* readFolder(
  folder: string,
  bug: string,
  endless: boolean,
  ctx: SourceContext,
  { resume, signal, owns, wants, whenWanted }: ReadContext,
): AsyncGenerator<Batch | SplitsFound | CaughtUp> {
  const id = readFileSync(`${folder}.id`, 'utf8')
  const names = readdirSync(folder)
    .sort()
    .filter((name) => owns(name) || bug === 'reads what others read')
  if (bug !== 'unannounced') yield { splits: names.map((name) => ({ id: name })), complete: true }
  const open = new Map(
    names.map((name) => {
      const saved = bug === 'never resumes' ? undefined : (resume(name) as Position | undefined)
      if (saved && saved.folder !== id && bug !== 'reads any folder') {
        const hint = bug === 'replaced without a hint' ? {} : { hint: 'forget the positions' }
        throw new MillraceError(bug === 'replaced by another code' ? 'oops' : 'source_replaced', 'another folder', hint)
      }
      const at = Number(saved?.at ?? 0)
      const from = bug === 'forgets old positions' && at === 42 ? 0 : at
      return [name, { at: from, batches: batchesOf(join(folder, name), name, from, bug, ctx, id) }]
    }),
  )
  const empty = (split: string): Batch => ({ split, rows: [], positionAt: () => 0, bytes: 0 })
  while (open.size > 0) {
    let asked = 0
    const caughtUp: string[] = []
    for (const [name, lane] of open) {
      if (signal.aborted) {
        if (bug === 'deaf to abort') await sleep(1500)
        return
      }
      if (!wants(name) && bug !== 'never asks whether it is wanted') continue
      asked++
      const { value } = lane.batches.next()
      if (value) {
        lane.at = (value.position as Position | undefined)?.at ?? lane.at
        yield value
      } else if (endless) caughtUp.push(name)
      else {
        open.delete(name)
        yield {
          ...empty(name),
          ...(bug === 'ends without a position' ? {} : { position: { folder: id, at: lane.at } }),
          end: true,
        }
        if (bug === 'goes on after the end') yield empty(name)
        if (bug === 'ends and has nothing more') yield { caughtUp: [name] }
      }
    }
    if (bug === 'has nothing more while held back' && asked < open.size) yield { caughtUp: [...open.keys()] }
    if (bug === 'ends when held back' && asked < open.size) return
    if (asked === 0) {
      if (bug === 'deaf while it is held back') await sleep(2000)
      await (bug === 'asks again and again' ? new Promise(setImmediate) : whenWanted())
    }
    if (caughtUp.length === 0) continue
    if (bug === 'never says it') await untilAborted(signal)
    yield { caughtUp: bug === 'says it of one' ? caughtUp.slice(0, 1) : bug === 'says it of all' ? [] : caughtUp }
    if (bug === 'says it once') {
      await untilAborted(signal)
      return
    }
    await sleep(5)
  }
}

function commitOnce(): () => Promise<void> {
  let done = false
  return async () => {
    if (done) throw new Error('committed already')
    done = true
  }
}

export default [lines]
