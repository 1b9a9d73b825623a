/**
 * A small right source, and every way to break it that the suite must see. It reads lines `number;date;name` of all files in a folder; a line that begins with `!` cannot be
 * decoded. Its position is the byte offset of the next line.
 */
import { readFileSync, readdirSync, writeFileSync, openSync } from 'node:fs'
import { join } from 'node:path'
import {
  type BadRecord,
  codegenAllowed,
  compileReformat,
  DataError,
  defineSource,
  type Json,
  option,
  type Row,
  type RecordType,
  type SourceContext,
  type Batch,
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

function decode(text: string): Row {
  if (text.startsWith('!')) throw new DataError('bad_line', 'a line that begins with !', 'n')
  const [n, day, name] = text.split(';')
  return { n: Number(n), day, name: name || null }
}

function* batchesOf(
  path: string,
  split: string,
  from: number,
  bug: string,
  { push, schema }: SourceContext,
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
            bytes: bug === 'bad without bytes' ? new Uint8Array() : bytes.subarray(at, end),
            code: bug === 'wrong code' ? 'oops' : code,
            ...(field ? { field } : {}),
            message,
            ...step,
          })
      }
      at = end
    }
    const first = starts[0] ?? at
    const raws = starts.map((start, i) => bytes.subarray(start, ends[i]!))
    if (bug === 'reuses its buffer') buffer ??= new Uint8Array(200)
    if (buffer) raws.forEach((raw, i) => buffer!.set(raw, i * 30))
    if (bug === 'loses one' && from === 0) rows.pop()
    const position: Json =
      bug === 'position of another shape'
        ? { at: String(at) }
        : bug === 'position too far'
          ? bytes.indexOf(10, at) + 1 || at
          : bug === 'position lags'
            ? first
            : at
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
      rawAt: (i) =>
        buffer
          ? buffer.subarray(i * 30, i * 30 + raws[i]!.length)
          : bug === 'wrong bytes'
            ? bytes.subarray(0, 12)
            : raws[i]!,
      bad,
      ...(bug === 'counts nothing left out' ? {} : { unknown }),
      bytes: bug === 'no bytes counted' ? 0 : at - first,
    }
    if (bug === 'changes its rows') rows.forEach((row) => (row['n'] = 0))
  }
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

export const lines = defineSource({
  kind: 'source',
  type: 'lines',
  summary: 'Lines of files.',
  options,
  capabilities: ({ endless }) => ({
    bounded: !endless,
    replayable: true,
    lanes: 'one',
    pushdown: true,
    commit: 'report',
  }),
  decoder:
    ({ bug }) =>
    (bytes) =>
      decode(Buffer.from(bytes).toString('utf8').trimEnd() + (bug === 'decodes otherwise' ? 'x' : '')),
  create({ folder, bug, endless }, ctx) {
    if (bug === 'opens in create') openSync(ctx.resolve(folder), 'r')
    if (bug === 'writes in create') writeFileSync(join(ctx.root, 'touched'), '')
    if (bug === 'timer in create') setTimeout(() => {}, 300)
    return {
      async *read({ resume, signal }) {
        const names = readdirSync(ctx.resolve(folder)).sort()
        if (bug !== 'unannounced') yield { splits: names.map((id) => ({ id })), complete: true }
        for (const name of names) {
          const saved =
            bug === 'never resumes' ? 0 : ((resume(name) as { at: string } | undefined)?.at ?? resume(name) ?? 0)
          const from = bug === 'forgets old positions' && saved === 42 ? 0 : Number(saved)
          for (const batch of batchesOf(join(ctx.resolve(folder), name), name, from, bug, ctx)) {
            if (signal.aborted) return bug === 'deaf to abort' && (await sleep(1500))
            yield batch
          }
        }
        if (endless) yield { split: names[0]!, rows: [], positionAt: () => 0, bytes: 0, caughtUp: true }
        while (endless && !signal.aborted) await sleep(20)
      },
      ...(bug === 'commits once' ? { commit: commitOnce() } : { commit: async () => {} }),
      locate: async (split, position) => (bug === 'says nothing' ? '' : `${split} (byte ${position})`),
    }
  },
})

function commitOnce(): () => Promise<void> {
  let done = false
  return async () => {
    if (done) throw new Error('committed already')
    done = true
  }
}

export default [lines]
