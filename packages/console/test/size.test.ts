/** What a browser loads before it shows anything. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliCompressSync } from 'node:zlib'
import { expect, it, onTestFinished } from 'vitest'
import { buildConsole } from '../../../scripts/console.ts'

it('is at most 60 kB with brotli, and names no other host', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-console-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const files = (await buildConsole(folder)).map((path) => readFileSync(join(folder, path)))
  const bytes = files.reduce((sum, file) => sum + brotliCompressSync(file).length, 0)
  expect(bytes).toBeGreaterThan(10_000)
  expect(bytes).toBeLessThanOrEqual(60_000)
  // Names of XML are no addresses.
  const hosts = files.flatMap((file) => file.toString('utf8').match(/\b(?:https?:)?\/\/[a-z][\w-]*\.[\w.-]+/g) ?? [])
  expect(hosts.filter((host) => !host.endsWith('//www.w3.org'))).toEqual([])
})
