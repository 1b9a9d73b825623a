/**
 * A small correct sink of each kind, and every way to break it that the suite must detect. `keyed` immediately writes
 * each record to a file named by its id; `named`, by its field `name`. `staged` appends to a temporary file, truncated
 * to its saved length on restart, and renames it when its stage is published. `log` appends and may duplicate records.
 *
 * It cannot store a time of the year 10000 (`at`), and refuses rows that are named `refused`. While there is a file
 * `hung` in its folder, it waits before everything it does.
 */
import {
  appendFileSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  closeSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import {
  codegenAllowed,
  defineSink,
  isoText,
  type Json,
  MillraceError,
  option,
  PartialWriteError,
  type Records,
  type Row,
  type Sink,
  SystemError,
  type WriteFailure,
} from '@millrace/core'

const options = option.object({
  folder: option.path('The folder.'),
  kind: option.oneOf(['keyed', 'named', 'staged', 'held', 'log'], 'How it writes.'),
  bug: option.text('What to do wrong.', { default: '' }),
  on_null: option.optional(option.oneOf(['delete'], 'As of documents.')),
})

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** The rows a reader finds. */
export function boxRows(folder: string): Row[] {
  if (!existsSync(folder)) return []
  const names = readdirSync(folder)
    .filter((name) => name.endsWith('.box'))
    .sort()
  return names.flatMap((name) =>
    readFileSync(join(folder, name), 'utf8')
      .trimEnd()
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Row),
  )
}

interface Why {
  readonly code: string
  readonly message: string
}

/** Why a row cannot be stored; undefined: it can. */
function faultOf(row: Row, needsName: boolean): Why | undefined {
  if (needsName && (row['name'] ?? null) === null) return { code: 'null_key', message: 'it has no name' }
  if (row['name'] === 'refused') return { code: 'too_long', message: 'the name is too long' }
  try {
    if (typeof row['at'] === 'number') isoText(row['at'])
    return undefined
  } catch (error) {
    return { code: 'out_of_range', message: (error as Error).message }
  }
}

function encode(records: Records, bug: string, write: (i: number, line: string) => void, needsName = false): void {
  const failures: WriteFailure[] = []
  for (const [i, row] of records.rows.entries()) {
    if (bug === 'changes its rows') (row as Row)['n'] = -1
    const why = faultOf(row, needsName)
    if (bug === 'lets the encoder throw' && why?.code === 'out_of_range') throw new RangeError(why.message)
    if (bug === 'throws for a null key' && why?.code === 'null_key') throw new TypeError('name is null')
    if (bug === 'throws for all' && why) throw new Error('one of them is bad')
    if (bug === 'takes nothing beside a bad one' && why) break
    if (why) {
      if (bug === 'swallows the bad') continue
      failures.push({
        index: bug === 'names the wrong one' ? i + 1 : i,
        kind: bug === 'says that it may pass' ? 'system' : 'data',
        code: bug === 'has one code for all' ? 'bad' : why.code,
        message: bug === 'says not why' ? '' : why.message,
      })
      if (bug === 'names a neighbour too' && i > 0) failures.push({ index: i - 1, kind: 'data', ...why })
      continue
    }
    if (bug === 'loses a neighbour' && records.rows[i - 1] && faultOf(records.rows[i - 1]!, needsName)) continue
    if (bug === 'looks at the batch instead of the records' && i > 0) {
      const { rows } = records.from[0]!.batch
      write(i, `${JSON.stringify(rows[i])}\n`)
      continue
    }
    write(i, `${JSON.stringify(codegenAllowed || bug !== 'twin differs' ? row : { ...row, n: -1 })}\n`)
  }
  if (failures.length) throw new PartialWriteError(failures)
}

/** Waits while the system hangs. */
async function unhung(folder: string, signal: AbortSignal): Promise<void> {
  while (existsSync(join(folder, 'hung'))) {
    if (signal.aborted) throw new SystemError('aborted', 'stopped while waiting')
    await sleep(10)
  }
}

function keyed(folder: string, bug: string, named = false): Sink {
  let after = 0
  let waiting: (() => void)[] = []
  return {
    async open() {
      mkdirSync(folder, { recursive: true })
    },
    async write(records, { epoch, signal }) {
      const known = join(folder, `epoch-${epoch}`)
      if (bug === 'skips a known epoch' && existsSync(known)) return
      if (bug === 'deaf to abort' && signal.aborted) await sleep(1500)
      if (bug === 'chokes on nothing' && records.length === 0) throw new Error('no records')
      const ids = records.ids()
      const store = (i: number, line: string): void => {
        const key = named && bug !== 'keys by id' ? String(records.rows[i]!['name']) : ids[i]!
        const name = bug === 'key by order' ? `${process.pid}-${after++}` : encodeURIComponent(key)
        const path = join(folder, `${name}.box`)
        if (records.tombstone(i)) return bug === 'never deletes' ? undefined : rmSync(path, { force: true })
        const put = () => (bug === 'first write wins' && existsSync(path) ? undefined : writeFileSync(path, line))
        if (bug === 'never flushes' || bug === 'forgets the first') waiting.push(put)
        else put()
      }
      encode(records, bug, store, named)
    },
    async flush({ epoch }) {
      if (bug === 'skips a known epoch') writeFileSync(join(folder, `epoch-${epoch}`), '')
      if (bug !== 'never flushes') for (const put of waiting.splice(bug === 'forgets the first' ? 1 : 0)) put()
      return {}
    },
    async close() {
      waiting = []
    },
  }
}

interface Resume {
  readonly number: number
  readonly length: number
}

const memory = new Map<string, string>()

function staged(folder: string, bug: string, held: boolean): Sink {
  let at: Resume = { number: 0, length: 0 }
  let run = 1
  const name = (n: number) => `${run}-${n}.box`
  const temp = (n: number) => join(folder, `${name(n)}.part`)
  let pending = ''
  let closed = false
  return {
    async open({ restore, incarnation, existing }) {
      mkdirSync(folder, { recursive: true })
      run = incarnation
      const mine = (file: string) => file.startsWith(`${run}-`)
      const earlier = readdirSync(folder).filter((file) => file.endsWith('.box') && !mine(file))
      if (earlier.length && bug !== 'overlooks existing') {
        if (existing === 'stop') throw new MillraceError('output_exists', 'there are results of an earlier run')
        if (existing === 'replace' && bug !== 'replaces nothing') for (const file of earlier) rmSync(join(folder, file))
      }
      at = (restore as unknown as Resume | undefined) ?? { number: 0, length: 0 }
      if (bug === 'keeps what it finds' && restore === undefined) return
      if (!held && bug !== 'not cut back') {
        if (existsSync(temp(at.number))) truncateSync(temp(at.number), at.length)
      } else if (held) rmSync(temp(at.number), { force: true })
    },
    write(records) {
      if (bug === 'chokes on nothing' && records.length === 0) throw new Error('no records')
      encode(records, bug, (_, line) => {
        if (bug === 'stages in memory' || held) pending += line
        else appendFileSync(temp(at.number), line)
      })
    },
    async flush({ roll, end }) {
      const path = temp(at.number)
      if (bug === 'chokes at an empty end' && end && !pending) throw new Error('an empty file')
      if (held) writeFileSync(path, pending)
      if (bug === 'stages in memory' && (roll || end)) {
        memory.set(path, pending)
        at = { number: at.number + 1, length: 0 }
        pending = ''
        return { resume: at as unknown as Json, stages: [{ from: path, to: path.replace('.part', '') }] }
      }
      pending = ''
      if (!existsSync(path)) return { resume: at as unknown as Json }
      const length = readFileSync(path).length
      if (length === 0 && bug !== 'leaves empty files') {
        rmSync(path)
        return { resume: { number: at.number, length: 0 } }
      }
      const file = openSync(path, 'r')
      fsyncSync(file)
      closeSync(file)
      if (!roll && !end) return { resume: { number: at.number, length: (at = { ...at, length }).length } }
      const stage = { from: path, to: join(folder, name(at.number)) }
      if (bug === 'shows too early') renameSync(stage.from, stage.to)
      if (bug === 'shows at flush') {
        stage.to = stage.to.replace('.box', `-${process.pid}.box`)
        renameSync(stage.from, stage.to)
      }
      at = { number: bug === 'number comes again' ? 0 : at.number + 1, length: 0 }
      return { ...(bug === 'forgets the number' ? {} : { resume: at as unknown as Json }), stages: [stage] }
    },
    async publish(stage) {
      const { from, to } = stage as { from: string; to: string }
      if (bug === 'publishes nothing') return
      if (bug === 'stages in memory') writeFileSync(to, memory.get(from) ?? '')
      else if (existsSync(from)) renameSync(from, to)
      else if (bug === 'publishes once' || !existsSync(to)) throw new Error(`${from} is gone`)
    },
    async close() {
      if (closed && bug === 'closes once') throw new Error('closed already')
      closed = true
    },
  }
}

const log = (folder: string, bug: string): Sink => ({
  async open() {
    mkdirSync(folder, { recursive: true })
  },
  write: (records) => encode(records, bug, (_, line) => appendFileSync(join(folder, 'log.box'), line)),
})

/** The sink, waiting while the system hangs, as its signals allow. */
function hangable(sink: Sink, folder: string, bug: string): Sink {
  const deaf = new AbortController().signal
  const wait = (what: string, signal: AbortSignal) => unhung(folder, bug === `deaf to abort in ${what}` ? deaf : signal)
  return {
    async open(ctx) {
      await wait('open', ctx.signal)
      await sink.open!(ctx)
    },
    async write(records, ctx) {
      if (bug === 'throws the reason of the abort') {
        while (existsSync(join(folder, 'hung')) && !ctx.signal.aborted) await sleep(10)
        ctx.signal.throwIfAborted()
      }
      await wait('write', ctx.signal)
      await sink.write(records, ctx)
    },
    async flush(ctx) {
      await wait('flush', ctx.signal)
      return (await sink.flush?.(ctx)) ?? {}
    },
    async publish(stage, ctx) {
      await wait('publish', ctx.signal)
      await sink.publish?.(stage, ctx)
    },
    async close() {
      if (bug === 'deaf to abort in close') await unhung(folder, deaf)
      await sink.close?.()
    },
  }
}

export const boxes = defineSink({
  kind: 'sink',
  type: 'boxes',
  summary: 'Files of records.',
  options,
  capabilities: ({ kind, bug, on_null: onNull }) => ({
    label: kind === 'log' ? 'at-least-once' : 'effectively-once',
    how: kind,
    ...(kind === 'keyed' ? { keyed: true, ...(bug === 'says no key' ? {} : { key: 'record_id' as const }) } : {}),
    ...(kind === 'named' ? { keyed: true, key: ['name'], ...(onNull ? { onNull } : {}) } : {}),
    ...(kind === 'held' ? { checkpointsOnRoll: true } : {}),
  }),
  accepts: ({ bug }) => (bug === 'accepts nothing' ? [{ code: 'cannot_hold', message: 'no', at: [] }] : []),
  create({ folder, kind, bug }, ctx) {
    const path = ctx.resolve(folder)
    if (bug === 'makes its folder in create') mkdirSync(path)
    if (kind === 'log') return hangable(log(path, bug), path, bug)
    const sink =
      kind === 'keyed' || kind === 'named' ? keyed(path, bug, kind === 'named') : staged(path, bug, kind === 'held')
    return hangable(sink, path, bug)
  },
})

export default boxes
