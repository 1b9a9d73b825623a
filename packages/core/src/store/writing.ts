/** What is put into the state, each in one transaction. */
import type { DatabaseSync } from 'node:sqlite'
import { crashPoint } from '../crash.ts'
import { MillraceError } from '../errors.ts'
import type { Json } from '../record.ts'
import type { Content, Save, SavedRun } from './saved.ts'

export function writing(db: DatabaseSync) {
  const sql = {
    begin: db.prepare('INSERT INTO run VALUES (?, 0, 0, ?)'),
    epoch: db.prepare('UPDATE run SET epoch = max(epoch, ?) WHERE incarnation = (SELECT max(incarnation) FROM run)'),
    end: db.prepare('UPDATE run SET ended = 1 WHERE incarnation = (SELECT max(incarnation) FROM run)'),
    counter: db.prepare('INSERT OR REPLACE INTO counter VALUES (?, ?)'),
    position: db.prepare('INSERT OR REPLACE INTO position VALUES (?, ?, ?, ?)'),
    remember: db.prepare('INSERT OR REPLACE INTO memory VALUES (?, ?, ?)'),
    forget: db.prepare('DELETE FROM memory WHERE source = ? AND key = ?'),
    step: db.prepare('INSERT OR REPLACE INTO step VALUES (?, ?)'),
    put: db.prepare('INSERT OR REPLACE INTO state VALUES (?, ?, ?)'),
    drop: db.prepare('DELETE FROM state WHERE step = ? AND key = ?'),
    sink: db.prepare('INSERT OR REPLACE INTO sink VALUES (?, ?)'),
    stage: db.prepare('INSERT INTO stage (sink, json) VALUES (?, ?)'),
    published: db.prepare('DELETE FROM stage WHERE id = ?'),
    replayed: db.prepare('INSERT OR REPLACE INTO replayed VALUES (?, ?, ?)'),
  }
  const incarnation = (): number => Number(db.prepare('SELECT max(incarnation) AS n FROM run').get()?.['n'] ?? 0)
  const transaction = <T>(body: () => T): T => {
    db.exec('BEGIN IMMEDIATE')
    try {
      const result = body()
      db.exec('COMMIT')
      return result
    } catch (cause) {
      if (db.isTransaction) db.exec('ROLLBACK')
      throw new MillraceError('state_unwritable', `the state could not be saved: ${(cause as Error).message}`, {
        hint: 'free disk space or mend permissions of the state folder, then run again: nothing that was saved before is lost',
        cause,
      })
    }
  }
  return {
    begin: (specHash: string): SavedRun =>
      transaction(() => {
        const next = incarnation() + 1
        db.exec(
          'DELETE FROM position; DELETE FROM memory; DELETE FROM step; DELETE FROM state; DELETE FROM sink; DELETE FROM counter',
        )
        sql.begin.run(next, specHash)
        return { incarnation: next, epoch: 0, ended: false, specHash }
      }),
    save: (save: Save): number[] => {
      crashPoint('before_save')
      const ids = transaction(() => {
        for (const p of save.positions)
          sql.position.run(
            p.source,
            p.split,
            p.position === undefined ? null : JSON.stringify(p.position),
            p.ended ? 1 : 0,
          )
        crashPoint('mid_save')
        for (const m of save.memory)
          m.value === null
            ? sql.forget.run(m.source, m.key)
            : sql.remember.run(m.source, m.key, JSON.stringify(m.value))
        for (const { step, hash, entries } of save.changes) {
          sql.step.run(step, hash)
          for (const [key, value] of entries) value === null ? sql.drop.run(step, key) : sql.put.run(step, key, value)
        }
        for (const r of save.resumes) sql.sink.run(r.sink, JSON.stringify(r.resume))
        for (const id of save.published) sql.published.run(id)
        const made = save.stages.map((s) => Number(sql.stage.run(s.sink, JSON.stringify(s.stage)).lastInsertRowid))
        for (const [node, count] of Object.entries(save.counters)) sql.counter.run(node, JSON.stringify(count))
        sql.epoch.run(save.epoch)
        return made
      })
      crashPoint('after_save')
      return ids
    },
    fill: ({ run, positions, memory, counters }: Content) =>
      transaction(() => {
        db.prepare('INSERT INTO run VALUES (?, ?, ?, ?)').run(
          run.incarnation,
          run.epoch,
          run.ended ? 1 : 0,
          run.specHash,
        )
        for (const p of positions)
          sql.position.run(
            p.source,
            p.split,
            p.position === undefined ? null : JSON.stringify(p.position),
            p.ended ? 1 : 0,
          )
        for (const m of memory) sql.remember.run(m.source, m.key, JSON.stringify(m.value))
        for (const [node, count] of Object.entries(counters)) sql.counter.run(node, JSON.stringify(count))
      }),
    remember: (source: string, key: string, value: Json) =>
      transaction(() => void sql.remember.run(source, key, JSON.stringify(value))),
    recordPublished: (ids: readonly number[]) => {
      if (ids.length) transaction(() => ids.forEach((id) => sql.published.run(id)))
    },
    end: (published: readonly number[]) =>
      transaction(() => {
        for (const id of published) sql.published.run(id)
        sql.end.run()
      }),
    recordReplayed: (entries: readonly { readonly id: string; readonly step: string }[], specHash: string) =>
      transaction(() => entries.forEach((e) => sql.replayed.run(e.id, e.step, specHash))),
  }
}
