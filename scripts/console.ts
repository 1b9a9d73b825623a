/**
 * Builds the console: what browsers load, from packages/console to `dist/bundle`. Files of `assets/` are named by what
 * is in them. Everything that it uses becomes part of these files, so that the published package depends on nothing.
 *
 * Decision: docs/decisions/20261203-console-of-plain-files.md
 */
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { build } from 'esbuild'

const home = resolve(import.meta.dirname, '../packages/console')

/** Builds it; returns the paths of its files, relative to it. */
export async function buildConsole(to = join(home, 'dist/bundle')): Promise<readonly string[]> {
  rmSync(join(to, 'assets'), { recursive: true, force: true })
  mkdirSync(to, { recursive: true })
  const { metafile } = await build({
    entryPoints: { app: join(home, 'src/app.tsx'), style: join(home, 'src/style.css') },
    entryNames: 'assets/[name]-[hash]',
    outdir: to,
    bundle: true,
    minify: true,
    format: 'esm',
    target: ['chrome123', 'firefox120', 'safari17.5'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'none',
    metafile: true,
    logLevel: 'warning',
  })
  const assets = Object.keys(metafile.outputs).map((path) => `assets/${basename(path)}`)
  const named = (kind: string) => `/${assets.find((path) => path.endsWith(kind))!}`
  const html = readFileSync(join(home, 'index.html'), 'utf8')
  writeFileSync(join(to, 'index.html'), html.replace('STYLE', named('.css')).replace('SCRIPT', named('.js')))
  cpSync(join(home, 'icon.svg'), join(to, 'icon.svg'))
  return [...assets, 'index.html', 'icon.svg']
}
