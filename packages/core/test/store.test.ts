/** The state folder: fenced, named when it is damaged, and never touched when it belongs to something else. */
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { batch, type Row } from '../src/record/index.ts'
import { run } from '../src/run/index.ts'
import { openStore, readStore, stateFile, stateFolder } from '../src/store/index.ts'
import { testPipeline } from '../src/testing.ts'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'millrace-store-'))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

const folder = () => stateFolder(home, 'test')

/** A run that saves, then does something to its state folder, then continues. Returns what was published. */
async function disturbed(what: () => void): Promise<{ published: number[]; error: { code: string; message: string } }> {
  const published: number[] = []
  let pending = 0
  const { plan, registry } = testPipeline({
    runs: 'continue',
    sources: {
      source: () => ({
        async *read() {
          for (let n = 1; n <= 6; n++) {
            yield { ...batch({ split: 's', rows: [{ n }] as Row[], position: n }), caughtUp: true }
            await sleep(40)
            if (n === 2) what()
          }
        },
      }),
    },
    sinks: {
      all: {
        create: () => ({
          write: (records) => void (pending += records.length),
          async flush() {
            const stages = pending > 0 ? [pending] : []
            pending = 0
            return { stages }
          },
          publish: async (stage) => void published.push(stage as number),
        }),
      },
    },
  })
  const error = await run(plan, registry, { root: home, home, secrets: () => undefined }).then(
    () => ({ code: 'ended', message: '' }),
    (e: { code: string; message: string }) => e,
  )
  return { published, error }
}

describe('a state folder that is taken away under a running process', () => {
  it('stops the run at its next save when it is removed, before anything more is published', async () => {
    const { published, error } = await disturbed(() => rmSync(folder(), { recursive: true }))
    expect(error.code).toBe('state_gone')
    expect(error.message).toContain(folder())
    expect(published).toEqual([1, 1])
  })

  it('the same when another one replaces it', async () => {
    const { published, error } = await disturbed(() => {
      renameSync(folder(), `${folder()}.old`)
      cpSync(`${folder()}.old`, folder(), { recursive: true })
    })
    expect(error.code).toBe('state_gone')
    expect(published).toEqual([1, 1])
  })

  it('the same when an older copy is written over it', async () => {
    const { published, error } = await disturbed(() => {
      const other = new DatabaseSync(stateFile(folder()))
      other.exec("PRAGMA busy_timeout = 2000; UPDATE run SET epoch = epoch - 1; UPDATE position SET json = '1'")
      other.close()
    })
    expect(error.code).toBe('state_gone')
    expect(published).toEqual([1, 1])
  })
})

describe('a state that cannot be used', () => {
  const code = (open: () => unknown): string => {
    try {
      open()
      return 'opened'
    } catch (error) {
      return (error as { code: string }).code
    }
  }
  const made = () => {
    openStore(folder()).close()
    return stateFile(folder())
  }

  it('is named with its path if it is damaged, and left unchanged', () => {
    const path = made()
    const bytes = Buffer.from('this is no database, it is a text file of more than a hundred bytes, '.repeat(10))
    writeFileSync(path, bytes)
    for (const open of [() => openStore(folder()), () => readStore(folder())]) {
      expect(code(open)).toBe('state_corrupt')
      expect(open).toThrow(path)
    }
    expect(readFileSync(path).equals(bytes)).toBe(true)
  })

  it('is named if another program or version created it', () => {
    const path = made()
    for (const pragma of ['user_version = 77', 'application_id = 1']) {
      const db = new DatabaseSync(path)
      db.exec(`PRAGMA ${pragma}`)
      db.close()
      expect(code(() => openStore(folder()))).toBe('state_foreign')
      expect(code(() => readStore(folder()))).toBe('state_foreign')
    }
  })

  it('is named if its lock is damaged', () => {
    made()
    writeFileSync(join(folder(), 'lock.db'), 'no database either. '.repeat(40))
    expect(code(() => openStore(folder()))).toBe('state_corrupt')
  })

  it.skipIf(process.getuid?.() === 0)('is reported as unwritable, not locked', () => {
    made()
    chmodSync(folder(), 0o500)
    expect(code(() => openStore(folder()))).toBe('state_unwritable')
    chmodSync(folder(), 0o700)
  })

  it('is reported as unwritable where its folder cannot be created', () => {
    mkdirSync(home, { recursive: true })
    writeFileSync(join(home, 'file'), '')
    expect(code(() => openStore(join(home, 'file', 'test')))).toBe('state_unwritable')
  })

  it('is reported as locked where another process holds it', () => {
    const store = openStore(folder())
    expect(code(() => openStore(folder()))).toBe('locked')
    store.close()
  })
})
