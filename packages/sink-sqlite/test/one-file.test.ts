/** Several sinks of a process may write to one file: none of them waits for a lock that another one holds meanwhile. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStoreWriter, transaction } from '@millrace/client-sqlite'
import { expect, it, onTestFinished } from 'vitest'

it('a transaction has ended before anything else of the process can begin one', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-one-file-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'store.db')
  const { signal } = new AbortController()
  const db = await openStoreWriter(path, signal, (made) => made.exec('CREATE TABLE t (n)'))
  onTestFinished(() => db.close())
  const insert = db.prepare('INSERT INTO t VALUES (1)')
  const good = transaction(db, path, signal, () => insert.run())
  expect(db.isTransaction).toBe(false)
  const bad = transaction(db, path, signal, () => {
    insert.run()
    throw new Error('refused')
  })
  expect(db.isTransaction).toBe(false)
  await good
  await expect(bad).rejects.toThrow('refused')
  expect(db.prepare('SELECT count(*) AS n FROM t').get()!['n']).toBe(1)
})
