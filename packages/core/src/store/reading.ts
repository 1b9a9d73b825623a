/** Queries of the state. */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { KeyRange, SavedMemory, SavedMemoryEntry } from '../connector/index.ts'
import type { Json } from '../record/index.ts'
import type {
  Content,
  LetterState,
  Overview,
  SavedCommitAction,
  SavedEntry,
  SavedLane,
  SavedPosition,
  SavedRun,
  SavedStage,
} from './saved.ts'

const parse = (text: unknown): Json | undefined =>
  text === null || text === undefined ? undefined : (JSON.parse(text as string) as Json)

type SqlRow = Record<string, unknown>
const positionOf = (row: SqlRow): SavedPosition => ({
  source: String(row['source']),
  split: String(row['split']),
  position: parse(row['json']),
  ended: row['ended'] === 1,
})

export function overviewOf(db: DatabaseSync): Overview {
  const positions = db.prepare('SELECT source, split, json, ended FROM position ORDER BY source, split').all()
  const steps = db.prepare('SELECT step, count(*) AS n FROM step_memory GROUP BY step ORDER BY step').all()
  return {
    positions: positions.map(positionOf),
    steps: steps.map((row) => ({ step: String(row['step']), entries: Number(row['n']) })),
  }
}

type SqlEntry = readonly [key: string, value: string, split: string]
const entryOf = ([key, value, split]: SqlEntry): SavedMemoryEntry => [key, value, split || undefined]

export function stateReader(db: DatabaseSync, folder: string) {
  const statements = new Map<string, StatementSync>()
  const sql = (text: string): StatementSync => {
    let statement = statements.get(text)
    if (!statement) statements.set(text, (statement = db.prepare(text)))
    return statement
  }
  const entriesOf = 'SELECT key, value, split FROM step_memory WHERE step = ?'
  function* allEntries(step: string): Generator<SavedMemoryEntry> {
    const query = db.prepare(`${entriesOf} ORDER BY key, split`)
    query.setReturnArrays(true)
    for (const row of query.iterate(step)) yield entryOf(row as unknown as SqlEntry)
  }
  const entriesIn = (step: string, { from, before, limit = -1 }: KeyRange): SavedMemoryEntry[] => {
    const query = sql(`${entriesOf} AND key >= ? AND key < ? ORDER BY key, split LIMIT ?`)
    query.setReturnArrays(true)
    return (query.all(step, from, before, limit) as unknown as SqlEntry[]).map(entryOf)
  }
  return {
    folder,
    run(): SavedRun | undefined {
      const row = sql('SELECT * FROM run ORDER BY incarnation DESC LIMIT 1').get()
      return (
        row && {
          incarnation: Number(row['incarnation']),
          id: String(row['id']),
          epoch: Number(row['epoch']),
          ended: row['ended'] === 1,
          signature: parse(row['signature'])!,
          beganMs: Number(row['began']),
          countedFromMs: Number(row['counted_from']),
        }
      )
    },
    position(source: string, split: string): SavedPosition | undefined {
      const row = sql('SELECT * FROM position WHERE source = ? AND split = ?').get(source, split)
      return row && positionOf(row)
    },
    positions: (source: string): SavedPosition[] =>
      sql('SELECT * FROM position WHERE source = ? ORDER BY split').all(source).map(positionOf),
    /** The number up to which the last save covers a component's order log. */
    ordered: (component: string): number =>
      Number(sql('SELECT seq FROM ordered WHERE component = ?').get(component)?.['seq'] ?? 0),
    lanes: (): Content['lanes'] =>
      sql('SELECT * FROM lane')
        .all()
        .map((row) => ({
          source: String(row['source']),
          lane: String(row['lane']),
          high: row['high'] === null ? Number.NEGATIVE_INFINITY : Number(row['high']),
          state: row['state'] as SavedLane['state'],
          floor: row['floor'] === null ? undefined : Number(row['floor']),
        })),
    recall: (source: string, key: string): Json | undefined =>
      parse(sql('SELECT value FROM source_memory WHERE source = ? AND key = ?').get(source, key)?.['value']),
    *recallAll(source: string, prefix: string): Generator<readonly [string, Json]> {
      const rows = db
        .prepare('SELECT key, value FROM source_memory WHERE source = ? AND key >= ? AND key < ? ORDER BY key')
        .iterate(source, prefix, `${prefix}\u{10ffff}`)
      for (const row of rows) yield [String(row['key']), parse(row['value'])!]
    },
    stateHash: (step: string): string | undefined =>
      sql('SELECT hash FROM step WHERE id = ?').get(step)?.['hash'] as string | undefined,
    saved: (step: string): SavedMemory => ({
      get: (key) =>
        sql('SELECT value FROM step_memory WHERE step = ? AND key = ?').get(step, key)?.['value'] as string | undefined,
      entries: (range) => (range ? entriesIn(step, range) : allEntries(step)),
    }),
    resume: (sink: string): Json | undefined =>
      parse(sql('SELECT resume FROM sink WHERE id = ?').get(sink)?.['resume']),
    /** Whether the sink has saved resume data, in this state or before a rescale. */
    hasWritten: (sink: string): boolean => sql('SELECT 1 FROM sink WHERE id = ?').get(sink) !== undefined,
    /** Sinks with saved resume data; `unfinished`: some of their records are in files that are still open. */
    resumes: (): { readonly sink: string; readonly unfinished: boolean }[] =>
      sql('SELECT id, unfinished FROM sink')
        .all()
        .map((row) => ({ sink: String(row['id']), unfinished: row['unfinished'] === 1 })),
    stages: (): SavedStage[] =>
      sql('SELECT * FROM stage ORDER BY id')
        .all()
        .map((row) => ({
          id: Number(row['id']),
          epoch: Number(row['epoch']),
          sink: String(row['sink']),
          stage: parse(row['json'])!,
        })),
    commitActions: (): SavedCommitAction[] =>
      sql('SELECT * FROM commit_action ORDER BY id')
        .all()
        .map((row) => ({ id: Number(row['id']), epoch: Number(row['epoch']), ...positionOf(row) })),
    /** Whether anything other than a counter is saved under a node id. */
    hasState: (id: string): boolean =>
      [
        'position WHERE source',
        'source_memory WHERE source',
        'step_memory WHERE step',
        'sink WHERE id',
        'stage WHERE sink',
      ].some((where) => sql(`SELECT 1 FROM ${where} = ? LIMIT 1`).get(id) !== undefined),
    /** The ids of all nodes that have saved state. */
    idsOf: (): Set<string> =>
      new Set(
        sql(
          'SELECT node AS id FROM counter UNION SELECT source FROM position UNION SELECT step FROM step_memory UNION SELECT id FROM sink UNION SELECT sink FROM stage',
        )
          .all()
          .map((row) => String(row['id'])),
      ),
    counters: (): Record<string, Json> =>
      Object.fromEntries(
        sql('SELECT node, json FROM counter')
          .all()
          .map((row) => [String(row['node']), parse(row['json'])!]),
      ),
    letterState: (id: string, node: string): LetterState =>
      (sql('SELECT state FROM letter WHERE id = ? AND node = ?').get(id, node)?.['state'] as LetterState | undefined) ??
      'open',
    /** Whether any letter is not open; if none is, none has to be reopened. */
    hasLetters: (): boolean => sql('SELECT 1 FROM letter LIMIT 1').get() !== undefined,
    /** Everything that is saved, for moving it to other folders. */
    content(): Omit<Content, 'run'> {
      const all = (text: string) => db.prepare(text).all()
      return {
        positions: all('SELECT * FROM position').map(positionOf),
        lanes: this.lanes(),
        memory: all('SELECT * FROM source_memory').map((row) => ({
          source: String(row['source']),
          key: String(row['key']),
          value: parse(row['value'])!,
        })),
        steps: all('SELECT * FROM step').map((row) => ({ step: String(row['id']), hash: String(row['hash']) })),
        entries: all('SELECT * FROM step_memory').map((row) => row as unknown as SavedEntry),
        counters: this.counters(),
        letters: all('SELECT * FROM letter').map((row) => ({
          id: String(row['id']),
          node: String(row['node']),
          state: row['state'] as LetterState,
        })),
        sinks: this.resumes().map(({ sink }) => sink),
      }
    },
  }
}
