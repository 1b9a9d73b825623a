/**
 * The file in which a running component says what holds its watermarks: `watermarks-SOURCE.json` in the state folder,
 * replaced by a rename, so that a reader finds it whole. It is not state: nothing is read back from it by a run, and it
 * is not synced.
 */
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { WatermarkReport } from './watermark-report.ts'

/** Incremented when its form changes: one of another version is not read. */
const version = 1

const pattern = /^watermarks-.*\.json$/

/** Replaces the file of a component, by the id of its first source. */
export function writeWatermarks(folder: string, component: string, report: WatermarkReport): void {
  const path = join(folder, `watermarks-${component}.json`)
  writeFileSync(`${path}.next`, JSON.stringify({ version, ...report }), { mode: 0o600 })
  renameSync(`${path}.next`, path)
}

/** What the components of a pipeline have written. */
export function readWatermarks(folder: string): WatermarkReport[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((name) => pattern.test(name))
    .toSorted()
    .flatMap((name) => parsed(join(folder, name)) ?? [])
}

/** Removes what an earlier process has written. */
export function removeWatermarks(folder: string): void {
  for (const name of readdirSync(folder)) if (pattern.test(name)) rmSync(join(folder, name), { force: true })
}

/** Undefined: it is gone, torn by a crash of the machine, or of another version. */
function parsed(path: string): WatermarkReport | undefined {
  try {
    const found = JSON.parse(readFileSync(path, 'utf8')) as WatermarkReport & { readonly version?: number }
    if (found.version !== version) return undefined
    const { version: _, ...report } = found
    return report
  } catch {
    return undefined
  }
}
