/** A project on disk with one pipeline, and everything that a person would see of a run of it. */
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { gunzipSync } from 'node:zlib'
import { vi } from 'vitest'
import { main } from '../../packages/cli/src/main.ts'

/** `spec` is text, or a map that is written as JSON, which is YAML too. */
export interface World {
  readonly spec: string | Readonly<Record<string, unknown>>
  readonly files?: Readonly<Record<string, string | Uint8Array>>
  readonly env?: Readonly<Record<string, string>>
  /** Specs to run before, as maps. */
  readonly before?: readonly Readonly<Record<string, unknown>>[]
  /** Command lines; default: run the spec once. */
  readonly lines?: readonly (readonly string[])[]
  /** Which part of the plan is observed; default: none, since it would repeat the config. */
  readonly plan?: (plan: any) => unknown
}

/** A spec with one source and one sink; bad records are dropped; `more` overrides it. */
export const specOf = (more: Readonly<Record<string, unknown>>) => ({ version: 1, name: 'tried', ...more })

/** Rows into `out/rows.jsonl`, where everybody can see them. */
export const rowsOut = { out: { type: 'files', config: { path: 'out/rows.jsonl', existing: 'replace' } } }

export async function seen(world: World): Promise<unknown> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-options-'))
  try {
    const write = (path: string, text: string | Uint8Array) => {
      mkdirSync(dirname(join(folder, path)), { recursive: true })
      writeFileSync(join(folder, path), text)
    }
    for (const [path, text] of Object.entries({ 'millrace.yaml': 'version: 1\n', ...world.files })) write(path, text)
    const given = new Set(Object.keys(world.files ?? {}))
    for (const spec of world.before ?? []) {
      write('before.yaml', JSON.stringify(spec))
      const { code, text } = await command(['run', 'before.yaml'], folder, world.env)
      if (code !== 0) throw new Error(`what should stand before failed: ${text}`)
    }
    write('spec.yaml', typeof world.spec === 'string' ? world.spec : JSON.stringify(world.spec))
    const ran = []
    for (const line of world.lines ?? (world.plan ? [] : [['run', 'spec.yaml']]))
      ran.push(await command(line, folder, world.env))
    if (world.plan) {
      const { code, text, out } = await command(['plan', 'spec.yaml', '--json'], folder, world.env)
      ran.push(code === 0 ? world.plan((JSON.parse(out) as { plan?: unknown }).plan ?? JSON.parse(out)) : text)
    }
    return {
      ran: ran.map((each) => (isEnded(each) ? { code: each.code, text: each.text } : each)),
      left: left(folder, given),
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

interface Ended {
  readonly code: number
  /** What failed, without what differs from run to run. */
  readonly text: string
  readonly out: string
}

const isEnded = (value: unknown): value is Ended => typeof value === 'object' && value !== null && 'out' in value

/** One command in this process, including what connectors print. */
async function command(words: readonly string[], cwd: string, env: World['env'] = {}): Promise<Ended> {
  let out = ''
  let err = ''
  const printed: string[] = []
  const spy = (name: 'stdout' | 'stderr') =>
    vi.spyOn(process[name], 'write').mockImplementation(((text: string, done?: () => void) => {
      printed.push(`${name}: ${text}`)
      if (typeof done === 'function') done()
      return true
    }) as never)
  const spies = [spy('stdout'), spy('stderr')]
  try {
    const code = await main(words, {
      cwd,
      env,
      out: (text) => void (out += text),
      err: (text) => void (err += text),
      terminal: false,
      columns: 100,
      stopSignal: () => new AbortController().signal,
    })
    const failed = code === 0 && words[0] === 'run' ? '' : code === 0 ? out : err
    const text = printed.join('') + failed.replaceAll(cwd, '.')
    return { code, text, out }
  } finally {
    for (const each of spies) each.mockRestore()
  }
}

/** The files that exist now and were not given, with their contents. State is ignored, but stores are read. */
function left(folder: string, given: ReadonlySet<string>): Record<string, unknown> {
  const found: Record<string, unknown> = {}
  for (const path of globSync('**/*', { cwd: folder, withFileTypes: true }).flatMap((entry) => {
    const at = join(entry.parentPath, entry.name).slice(folder.length + 1)
    return entry.isFile() ? [at] : []
  })) {
    if (path === 'spec.yaml' || path === 'before.yaml' || path === 'millrace.yaml') continue
    // A log contains the time and a name of its own, so what a reader makes of it is compared instead.
    if (/(^|\/)logs?\//.test(path)) continue
    const bytes = readFileSync(join(folder, path))
    found[path] = path.endsWith('.gz') ? gunzipSync(bytes).toString('latin1') : bytes.toString('latin1')
  }
  for (const path of globSync(['*.db', '.millrace/*/*.db'], { cwd: folder })) found[path] = tables(join(folder, path))
  for (const path of given) found[`${path} is there`] = globSync(path, { cwd: folder }).length
  return found
}

/** Every table of a store and its indexes, without the rows of tables about the store itself. */
function tables(path: string): unknown {
  const db = new DatabaseSync(path, { readOnly: true })
  try {
    const made = db.prepare(`select name, sql from sqlite_master where name not like 'sqlite_%' order by name`).all()
    return made.map(({ name, sql }) => [
      name,
      sql,
      String(name).startsWith('_') || String(name).startsWith('millrace') || !/^create table/i.test(String(sql))
        ? []
        : db
            .prepare(`select * from "${String(name)}"`)
            .all()
            .map((row) => JSON.stringify(row, (_, v) => (typeof v === 'bigint' ? String(v) : v))),
    ])
  } finally {
    db.close()
  }
}
