/**
 * Bundles the `pipe` command from the sources of all packages into packages/cli/dist/bundle: an entry and chunks that
 * are loaded on first use. The libraries themselves are published as `tsc -b` leaves them. The included connectors with
 * a vendor's library, the gateway and the generator, stay outside the bundle and are loaded from their own packages.
 *
 * Decision: docs/decisions/20261121-one-bundle-for-the-command.md
 */
import { existsSync, globSync, rmSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { build } from 'esbuild'
import { buildConsole } from './console.ts'

const cli = resolve(import.meta.dirname, '../packages/cli')
const outdir = resolve(cli, 'dist/bundle')

rmSync(outdir, { recursive: true, force: true })
const packages = resolve(import.meta.dirname, '../packages')
for (const path of globSync('*/dist/**/*.{js,d.ts}', { cwd: packages })) {
  const source = path.replace(/^([^/\\]+[/\\])dist/, '$1src').replace(/(\.d\.ts|\.js)$/, '.ts')
  if (!existsSync(resolve(packages, source))) rmSync(resolve(packages, path))
}
const { metafile } = await build({
  entryPoints: {
    pipe: resolve(cli, 'src/index.ts'),
    worker: resolve(cli, 'src/worker.ts'),
    served: resolve(cli, 'src/serve/served.ts'),
  },
  outdir,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node22.22',
  conditions: ['@millrace/source'],
  // For Node the library ships CommonJS, which cannot be tree-shaken and starts slower; its browser build does the
  // same.
  alias: { yaml: resolve(import.meta.dirname, '../node_modules/yaml/browser/index.js') },
  external: ['@millrace/source-http', '@millrace/source-generate', 'prom-client', '@millrace/telemetry'],
  // The CommonJS parts of some libraries call `require`.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
})
const total = Object.keys(metafile.outputs).reduce((sum, path) => sum + statSync(path).size, 0)
await buildConsole()
process.stdout.write(`bundled pipe: ${Object.keys(metafile.outputs).length} files, ${Math.round(total / 1024)} KiB\n`)
