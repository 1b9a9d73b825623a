/**
 * `npm run deploy:check`: checks the unit and the manifest, and executes the recipe of the container without a
 * container engine, as root on Linux. Its image root is made from this machine's Node and the packages as npm installs
 * them; in it, as the recipe's user, with the recipe's command, a project is served, drained by SIGTERM, and served
 * again. Exit code 1: something of it failed.
 *
 * What an engine would add: base images are not pulled, so the libraries of Node are those of this machine.
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { packAll, plainEnv } from '../release/pack.ts'
import { lastOf, stagesOf } from './containerfile.ts'
import { checkFiles } from './files.ts'

const recipe = readFileSync(resolve(import.meta.dirname, '../../deploy/Containerfile'), 'utf8')
const stages = stagesOf(recipe)
const [build, image] = stages as [(typeof stages)[0], (typeof stages)[0]]
const [uid, gid] = lastOf(image, 'USER')!.split(':').map(Number) as [number, number]
const words = [lastOf(image, 'ENTRYPOINT')!, lastOf(image, 'CMD')!].flatMap((text) => JSON.parse(text) as string[])

const work = mkdtempSync(join(tmpdir(), 'millrace-image-'))
const root = join(work, 'root')
const proc = join(root, 'proc')
try {
  checkFiles(work)
  installInto(join(root, lastOf(build, 'WORKDIR')!))
  copyNode()
  // The steps of the last stage that make folders and links, in the image root.
  for (const { word, rest } of image.instructions)
    if (word === 'RUN') execFileSync('chroot', [root, '/bin/sh', '-c', rest], { stdio: 'inherit' })
  const project = join(root, lastOf(image, 'WORKDIR')!)
  writeFileSync(join(project, 'millrace.yaml'), 'name: image\n')
  writeFileSync(join(project, 'data.csv'), 'id\n1\n2\n3\n')
  writeFileSync(
    join(project, 'fill.yaml'),
    'version: 1\nname: fill\nschedule: { cron: "* * * * *" }\nsource: { type: csv, config: { path: data.csv }, schema: { fields: { id: integer } } }\nsinks: { out: { type: log, config: { stream: events, path: /state/log } } }\n',
  )
  writeFileSync(
    join(project, 'tail.yaml'),
    'version: 1\nname: tail\nsource: { type: log, config: { stream: events, path: /state/log }, schema: { fields: { id: integer } } }\nsinks: { out: { type: sqlite, config: { path: /state/store.db, collection: seen, key: id } } }\n',
  )
  for (const n of [1, 2]) console.log(`start ${n}: ${await serveOnce()}`)
  const state = join(root, 'state')
  const files = readdirSync(state, { recursive: true, encoding: 'utf8' })
  if (!files.some((file) => file.endsWith('runs.db'))) throw new Error(`no run was recorded in ${files.join(', ')}`)
  for (const file of files) {
    const owner = statSync(join(state, file)).uid
    if (owner !== uid) throw new Error(`${file} belongs to ${owner}, not to ${uid}`)
  }
  console.log(`the image root works as user ${uid}: \`${words.join(' ')}\``)
} finally {
  if (existsSync(join(proc, 'self'))) execFileSync('umount', [proc])
  rmSync(work, { recursive: true, force: true })
}

/** As `RUN npm install` of the recipe does. */
function installInto(folder: string): void {
  mkdirSync(folder, { recursive: true })
  const packs = packAll(join(work, 'packs')).filter(({ name }) => name !== '@millrace/testkit')
  const options = { cwd: folder, env: plainEnv(), stdio: ['ignore', 'ignore', 'inherit'] as const }
  execFileSync('npm', ['init', '--yes'], { ...options, stdio: [...options.stdio] })
  const install = ['install', '--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  execFileSync('npm', [...install, ...packs.map(({ path }) => path)], { ...options, stdio: [...options.stdio] })
}

/** Node, the shell and what the recipe's steps call, with their libraries. */
function copyNode(): void {
  for (const [from, to] of [
    [process.execPath, '/usr/local/bin/node'],
    ...['sh', 'ln', 'mkdir', 'chown', 'env'].map((name) => [which(name), `/bin/${name}`]),
  ] as [string, string][]) {
    copy(from, to)
    for (const [, library] of execFileSync('ldd', [from], { encoding: 'utf8' }).matchAll(/(\/\S+) \(0x/g))
      copy(library!, library!)
  }
  copy('/bin/env', '/usr/bin/env')
  for (const name of ['tmp', 'dev', 'proc']) mkdirSync(join(root, name))
  chmodSync(join(root, 'tmp'), 0o1777)
  // What an engine gives every container.
  execFileSync('mknod', ['-m', '666', join(root, 'dev/null'), 'c', '1', '3'])
  execFileSync('mount', ['-t', 'proc', 'proc', proc])
}

function copy(from: string, to: string): void {
  mkdirSync(dirname(join(root, to)), { recursive: true })
  copyFileSync(from, join(root, to))
}

function which(name: string): string {
  return execFileSync('which', [name], { encoding: 'utf8' }).trim()
}

/** Serves until a run has succeeded, then stops it; returns how long the drain took. */
async function serveOnce(): Promise<string> {
  const run = ['chroot', `--userspec=${uid}:${gid}`, root, '/bin/env', '-i', `--chdir=${lastOf(image, 'WORKDIR')}`]
  const [command, ...args] = [...run, 'PATH=/usr/local/bin:/bin', ...words] as [string, ...string[]]
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let log = ''
  child.stdout.on('data', (text) => (log += String(text)))
  const ended = once(child, 'close')
  for (let i = 0; !log.includes('"code":"succeeded"'); i++) {
    if (i > 900 || child.exitCode !== null) {
      child.kill('SIGKILL')
      throw new Error(`no run succeeded:\n${log}`)
    }
    await sleep(100)
  }
  const stoppedMs = performance.now()
  child.kill('SIGTERM')
  const [code] = await ended
  const tookMs = performance.now() - stoppedMs
  if (code !== 0 || tookMs > 20_000) throw new Error(`it ended with ${code} after ${tookMs} ms:\n${log}`)
  return `drained in ${Math.round(tookMs)} ms`
}
