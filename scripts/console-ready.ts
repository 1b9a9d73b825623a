/** Before tests: builds the console if it is not there or older than its sources. */
import { globSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { buildConsole } from './console.ts'

const home = resolve(import.meta.dirname, '../packages/console')
const newest = (pattern: string): number =>
  Math.max(0, ...globSync(pattern, { cwd: home }).map((path) => statSync(join(home, path)).mtimeMs))

export async function setup(): Promise<void> {
  if (newest('dist/bundle/index.html') < newest('{src/**/*.{ts,tsx,css},index.html,icon.svg}')) await buildConsole()
}
