/**
 * Changes of the state, each in one transaction.
 *
 * Every transaction first checks, by a random token and the epoch, that the state is still the one that this process
 * opened and wrote last. After the transaction, the path must still lead to the same file. So if the folder is removed,
 * replaced or restored while the process runs, this is noticed before anything is published or answered because of it.
 *
 * Decision: docs/decisions/20261130-a-state-is-fenced.md
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { crashPoint } from '../crash.ts'
import { MillraceError } from '../errors/index.ts'
import type { Json } from '../record/index.ts'
import { fileAt, stateError } from './file.ts'
import type { Content, LetterKey, LetterState, Save, SavedLane, SavedPosition, SavedRun, SaveIds } from './saved.ts'

const json = (value: Json | undefined): string | null => (value === undefined ? null : JSON.stringify(value))

export function stateWriter(db: DatabaseSync, path: string, token: string) {
  const file = fileAt(path)
  const statements = new Map<string, StatementSync>()
  const prepared = (text: string): StatementSync => {
    let statement = statements.get(text)
    if (!statement) statements.set(text, (statement = db.prepare(text)))
    return statement
  }
  const run = (text: string, ...values: (string | number | null)[]) => prepared(text).run(...values)
  const newestRun = (): { incarnation: number; epoch: number; token: string } | undefined => {
    const row = prepared('SELECT incarnation, epoch, token FROM run ORDER BY incarnation DESC LIMIT 1').get()
    return row && { incarnation: Number(row['incarnation']), epoch: Number(row['epoch']), token: String(row['token']) }
  }
  /** The state as this process wrote it last; undefined: it has not taken it over yet. */
  let lastWritten: { incarnation: number; epoch: number } | undefined
  const stateGone = (what: string) =>
    new MillraceError('state_gone', `the state of this run was ${what} while it was running: ${path}`, {
      hint: 'nothing was published after that. Restore the state, or reset it, and run again',
      exitCode: 3,
    })
  const transaction = <T>(body: () => T): T => {
    let result: T
    try {
      db.exec('BEGIN IMMEDIATE')
      const now = newestRun()
      if (
        lastWritten &&
        (now?.token !== token || now.epoch !== lastWritten.epoch || now.incarnation !== lastWritten.incarnation)
      )
        throw stateGone('replaced by another one')
      result = body()
      const after = newestRun()
      db.exec('COMMIT')
      if (lastWritten) lastWritten = after
    } catch (cause) {
      if (db.isOpen && db.isTransaction) db.exec('ROLLBACK')
      if (cause instanceof MillraceError) throw cause
      // An error thrown by a test at a crash point is not a failure of the file.
      if ((cause as { errcode?: number }).errcode === undefined) throw cause
      throw stateError(path, cause)
    }
    const there = fileAt(path)
    if (there !== file) throw stateGone(there === undefined ? 'removed' : 'replaced by another one')
    return result
  }
  const putLane = ({ source, lane, high, state, floor }: SavedLane) => {
    const at = Number.isFinite(high) ? high : null
    run('INSERT OR REPLACE INTO lane VALUES (?, ?, ?, ?, ?)', source, lane, at, state, floor ?? null)
  }
  const putPosition = (p: SavedPosition) =>
    run('INSERT OR REPLACE INTO position VALUES (?, ?, ?, ?)', p.source, p.split, json(p.position), p.ended ? 1 : 0)
  const putLetter = ({ id, node, state }: LetterKey & { readonly state: LetterState }) =>
    state === 'open'
      ? run('DELETE FROM letter WHERE id = ? AND node = ?', id, node)
      : run('INSERT OR REPLACE INTO letter VALUES (?, ?, ?)', id, node, state)
  const dropStages = (ids: readonly number[]) => {
    for (const id of ids) run('DELETE FROM stage WHERE id = ?', id)
  }
  const dropCommitActions = (ids: readonly number[]) => {
    for (const id of ids) run('DELETE FROM commit_action WHERE id = ?', id)
  }
  const putEntry = (step: string, key: string, split: string, value: string) =>
    run('INSERT OR REPLACE INTO step_memory VALUES (?, ?, ?, ?)', step, key, split, value)

  return {
    /**
     * Deletes positions, state and memory, and begins the next incarnation. `as`: its number and name, if other copies
     * have begun it.
     */
    begin: (signature: Json, nowMs: number, as?: Pick<SavedRun, 'incarnation' | 'id'>): SavedRun =>
      transaction(() => {
        const { incarnation, id } = as ?? { incarnation: (newestRun()?.incarnation ?? 0) + 1, id: token }
        for (const table of clearedAtBegin) db.exec(`DELETE FROM ${table}`)
        const values = [incarnation, id, token, JSON.stringify(signature), nowMs, nowMs]
        run('INSERT INTO run VALUES (?, ?, 0, 0, ?, ?, ?, ?)', ...values)
        lastWritten = { incarnation, epoch: 0 }
        crashPoint('mid_begin')
        return { incarnation, id, epoch: 0, ended: false, signature, beganMs: nowMs, countedFromMs: nowMs }
      }),
    /** Deletes everything but the number of the incarnation: the next run begins another one. */
    clear: () =>
      transaction(() => {
        for (const table of [...clearedAtBegin, 'stage', 'commit_action', 'letter']) db.exec(`DELETE FROM ${table}`)
        db.exec('UPDATE run SET ended = 1')
      }),
    /** Resumes the newest incarnation in this process, under the spec with this signature. */
    takeOver: (signature: Json, recount: number | undefined) =>
      transaction(() => {
        const { incarnation, epoch } = newestRun()!
        const whose = 'UPDATE run SET token = ?, signature = ? WHERE incarnation = ?'
        run(whose, token, JSON.stringify(signature), incarnation)
        if (recount !== undefined) {
          db.exec('DELETE FROM counter')
          run('UPDATE run SET counted_from = ? WHERE incarnation = ?', recount, incarnation)
        }
        lastWritten = { incarnation, epoch }
      }),
    save: (save: Save): SaveIds => {
      crashPoint('before_save')
      const ids = transaction(() => {
        for (const p of save.positions) putPosition(p)
        crashPoint('mid_save')
        for (const l of save.lanes) putLane(l)
        for (const m of save.memory)
          m.value === null
            ? run('DELETE FROM source_memory WHERE source = ? AND key = ?', m.source, m.key)
            : run('INSERT OR REPLACE INTO source_memory VALUES (?, ?, ?)', m.source, m.key, JSON.stringify(m.value))
        for (const { step, hash, entries } of save.changes) {
          run('INSERT OR REPLACE INTO step VALUES (?, ?)', step, hash)
          for (const [key, value, split = ''] of entries)
            value === null
              ? run('DELETE FROM step_memory WHERE step = ? AND key = ? AND split = ?', step, key, split)
              : putEntry(step, key, split, value)
        }
        for (const { sink, resume } of save.resumes) {
          const isOpen = save.unfinished.includes(sink) ? 1 : 0
          run('INSERT OR REPLACE INTO sink VALUES (?, ?, ?)', sink, JSON.stringify(resume), isOpen)
        }
        dropStages(save.published)
        dropCommitActions(save.commitActionsDone)
        const stages = save.stages.map((s) =>
          Number(
            run('INSERT INTO stage (epoch, sink, json) VALUES (?, ?, ?)', save.epoch, s.sink, JSON.stringify(s.stage))
              .lastInsertRowid,
          ),
        )
        const insertAction = 'INSERT INTO commit_action (epoch, source, split, json, ended) VALUES (?, ?, ?, ?, ?)'
        const commitActions = save.commitActions.map((d) =>
          Number(run(insertAction, save.epoch, d.source, d.split, json(d.position), d.ended ? 1 : 0).lastInsertRowid),
        )
        for (const [node, count] of Object.entries(save.counters))
          run('INSERT OR REPLACE INTO counter VALUES (?, ?)', node, JSON.stringify(count))
        for (const letter of save.letters) putLetter(letter)
        if (save.ordered) run('INSERT OR REPLACE INTO ordered VALUES (?, ?)', save.ordered.component, save.ordered.seq)
        run('UPDATE run SET epoch = max(epoch, ?) WHERE incarnation = (SELECT max(incarnation) FROM run)', save.epoch)
        return { stages, commitActions }
      })
      crashPoint('after_save')
      return ids
    },
    /** Imports a run that was saved elsewhere into an empty folder. */
    importContent: (content: Content) =>
      transaction(() => {
        const { incarnation, id, epoch, ended, signature, beganMs, countedFromMs } = content.run
        const at = [
          incarnation,
          id,
          epoch,
          ended ? 1 : 0,
          token,
          JSON.stringify(signature),
          beganMs,
          countedFromMs,
        ] as const
        run('INSERT INTO run VALUES (?, ?, ?, ?, ?, ?, ?, ?)', ...at)
        for (const p of content.positions) putPosition(p)
        for (const l of content.lanes) putLane(l)
        for (const m of content.memory)
          run('INSERT INTO source_memory VALUES (?, ?, ?)', m.source, m.key, JSON.stringify(m.value))
        for (const { step, hash } of content.steps) run('INSERT INTO step VALUES (?, ?)', step, hash)
        for (const { step, key, split, value } of content.entries) putEntry(step, key, split, value)
        for (const [node, count] of Object.entries(content.counters))
          run('INSERT INTO counter VALUES (?, ?)', node, JSON.stringify(count))
        for (const letter of content.letters) putLetter(letter)
        for (const sink of content.sinks) run('INSERT INTO sink VALUES (?, NULL, 0)', sink)
      }),
    /** Saves an entry of a source's memory outside any epoch. */
    remember: (source: string, key: string, value: Json) =>
      transaction(
        () => void run('INSERT OR REPLACE INTO source_memory VALUES (?, ?, ?)', source, key, JSON.stringify(value)),
      ),
    /** Marks stages as published and commit actions as done, outside a save. */
    markDone: (published: readonly number[], commitActions: readonly number[]) => {
      if (published.length === 0 && commitActions.length === 0) return
      crashPoint('before_mark_done')
      transaction(() => {
        dropStages(published)
        dropCommitActions(commitActions)
      })
    },
    setLetters: (letters: Save['letters']) => transaction(() => letters.forEach(putLetter)),
    /** Moves the state of a step, source or sink that was renamed. */
    rename: (from: string, to: string) =>
      transaction(() => {
        for (const [table, column] of idColumns)
          run(`UPDATE OR REPLACE ${table} SET ${column} = ? WHERE ${column} = ?`, to, from)
        const row = prepared('SELECT signature FROM run ORDER BY incarnation DESC LIMIT 1').get()
        const renamed = renamedIn(JSON.parse(String(row?.['signature'] ?? '{}')) as Json, from, to)
        run(
          'UPDATE run SET signature = ? WHERE incarnation = (SELECT max(incarnation) FROM run)',
          JSON.stringify(renamed),
        )
      }),
    /** Discards the memory of steps and the unfinished work of sinks. */
    discard: (steps: readonly string[], sinks: readonly string[]) =>
      transaction(() => {
        for (const step of steps) {
          run('DELETE FROM step_memory WHERE step = ?', step)
          run('DELETE FROM step WHERE id = ?', step)
        }
        for (const sink of sinks) run('DELETE FROM sink WHERE id = ?', sink)
      }),
    /** Marks the run as ended: all its input is published, and the next run is a new incarnation. */
    end: (published: readonly number[], commitActions: readonly number[]) => {
      crashPoint('before_end')
      transaction(() => {
        dropStages(published)
        dropCommitActions(commitActions)
        run('UPDATE run SET ended = 1 WHERE incarnation = (SELECT max(incarnation) FROM run)')
      })
      crashPoint('after_end')
    },
  }
}

/** Tables whose content belongs to one incarnation. */
const clearedAtBegin = [
  'position',
  'lane',
  'source_memory',
  'step',
  'step_memory',
  'sink',
  'counter',
  'ordered',
] as const

/** A signature with a node id replaced, as a key and where other nodes read it. */
function renamedIn(value: Json, from: string, to: string): Json {
  if (Array.isArray(value)) return value.map((each: Json) => (each === from ? to : renamedIn(each, from, to)))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [
      key === from ? to : key,
      key === 'config' ? (each as Json) : renamedIn(each as Json, from, to),
    ]),
  )
}

/** Tables and columns with node ids. */
const idColumns = [
  ['counter', 'node'],
  ['ordered', 'component'],
  ['position', 'source'],
  ['lane', 'source'],
  ['source_memory', 'source'],
  ['step', 'id'],
  ['step_memory', 'step'],
  ['sink', 'id'],
  ['stage', 'sink'],
  ['commit_action', 'source'],
  ['letter', 'node'],
] as const
