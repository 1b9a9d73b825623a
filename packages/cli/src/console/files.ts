/** The files that browsers load: those that `@millrace/console` was built to, and nothing else. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { MillraceError } from '@millrace/core'

/** A file as it is sent. */
export interface ConsoleFile {
  readonly type: string
  readonly bytes: Buffer
  /** Its name says what is in it, so it never changes. */
  readonly isLasting: boolean
}

const types: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
}

/** All of them by path, `/` among them. Throws `console_not_built`. */
export function readConsoleFiles(): ReadonlyMap<string, ConsoleFile> {
  const folder = join(dirname(fileURLToPath(import.meta.resolve('@millrace/console/package.json'))), 'dist/bundle')
  if (!existsSync(join(folder, 'index.html')))
    throw new MillraceError('console_not_built', 'the files of the console are not there', {
      hint: 'in a checkout: npm run build; else install @millrace/console again',
      exitCode: 2,
    })
  const found = globSync('**/*.{html,js,css,svg}', { cwd: folder }).map((path): [string, ConsoleFile] => {
    const name = path.replaceAll('\\', '/')
    const bytes = readFileSync(join(folder, path))
    const type = types[name.split('.').at(-1)!]!
    return [name === 'index.html' ? '/' : `/${name}`, { type, bytes, isLasting: name.startsWith('assets/') }]
  })
  return new Map(found)
}
