/** What the state tells. */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { SavedMemory } from '../connector.ts'
import type { Json } from '../record.ts'
import type { Content, Overview, SavedRun, SavedStage } from './saved.ts'

const parse = (text: unknown): Json | undefined =>
  text === null || text === undefined ? undefined : (JSON.parse(text as string) as Json)

export function overviewOf(db: DatabaseSync): Overview {
  const positions = db.prepare('SELECT source, split, json, ended FROM position ORDER BY source, split').all()
  const steps = db.prepare('SELECT step, count(*) AS n FROM state GROUP BY step ORDER BY step').all()
  return {
    positions: positions.map((row) => ({
      source: String(row['source']),
      split: String(row['split']),
      position: parse(row['json']),
      ended: row['ended'] === 1,
    })),
    steps: steps.map((row) => ({ step: String(row['step']), entries: Number(row['n']) })),
  }
}

export function reading(db: DatabaseSync, folder: string) {
  let recalling: StatementSync | undefined
  return {
    folder,
    run(): SavedRun | undefined {
      const row = db.prepare('SELECT * FROM run ORDER BY incarnation DESC LIMIT 1').get()
      if (!row) return undefined
      return {
        incarnation: Number(row['incarnation']),
        epoch: Number(row['epoch']),
        ended: row['ended'] === 1,
        specHash: String(row['spec_hash']),
      }
    },
    positions(source: string) {
      const rows = db.prepare('SELECT split, json, ended FROM position WHERE source = ?').all(source)
      return new Map(
        rows.map((row) => [String(row['split']), { position: parse(row['json']), ended: row['ended'] === 1 }]),
      )
    },
    recall: (source: string, key: string) => {
      recalling ??= db.prepare('SELECT value FROM memory WHERE source = ? AND key = ?')
      return parse(recalling.get(source, key)?.['value'])
    },
    state(step: string) {
      const hash = db.prepare('SELECT hash FROM step WHERE id = ?').get(step)?.['hash']
      return { hash: hash === undefined ? undefined : String(hash), entries: entriesOf(db, step) }
    },
    saved: (step: string): SavedMemory => {
      const one = db.prepare('SELECT value FROM state WHERE step = ? AND key = ?')
      return {
        get: (key) => one.get(step, key)?.['value'] as string | undefined,
        *entries() {
          for (const [key, value] of entriesOf(db, step)) yield [key, value, undefined] as const
        },
      }
    },
    *recallAll(source: string, prefix: string): Generator<readonly [string, Json]> {
      const rows = db
        .prepare('SELECT key, value FROM memory WHERE source = ? AND key >= ? AND key < ? ORDER BY key')
        .iterate(source, prefix, `${prefix}\u{10ffff}`)
      for (const row of rows) yield [String(row['key']), parse(row['value'])!]
    },
    resume: (sink: string) => parse(db.prepare('SELECT resume FROM sink WHERE id = ?').get(sink)?.['resume']),
    resumes: (): string[] =>
      db
        .prepare('SELECT id FROM sink')
        .all()
        .map((row) => String(row['id'])),
    stages: (): SavedStage[] =>
      db
        .prepare('SELECT id, sink, json FROM stage ORDER BY id')
        .all()
        .map((row) => ({ id: Number(row['id']), sink: String(row['sink']), stage: parse(row['json'])! })),
    counters: (): Record<string, Json> =>
      Object.fromEntries(
        db
          .prepare('SELECT node, json FROM counter')
          .all()
          .map((row) => [String(row['node']), parse(row['json'])!]),
      ),
    memory: (): Content['memory'] =>
      db
        .prepare('SELECT source, key, value FROM memory')
        .all()
        .map((row) => ({ source: String(row['source']), key: String(row['key']), value: parse(row['value'])! })),
    replays: () =>
      db
        .prepare('SELECT id, step, spec_hash FROM replayed')
        .all()
        .map((row) => ({ id: String(row['id']), step: String(row['step']), specHash: String(row['spec_hash']) })),
    replayed: (id: string, step: string, specHash: string) =>
      db.prepare('SELECT 1 FROM replayed WHERE id = ? AND step = ? AND spec_hash = ?').get(id, step, specHash) !==
      undefined,
  }
}

function* entriesOf(db: DatabaseSync, step: string): Generator<readonly [string, string]> {
  for (const row of db.prepare('SELECT key, value FROM state WHERE step = ? ORDER BY key').iterate(step))
    yield [String(row['key']), String(row['value'])]
}
