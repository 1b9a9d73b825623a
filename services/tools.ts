/** Programs that fetch and run what we need. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Runs a program to its end and returns its output. `install` says how to get it. */
export function tool(program: string, args: readonly string[], install: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { maxBuffer: 64 << 20 }, (error, out, errors) => {
      if (!error) resolve(out)
      else if (error.code === 'ENOENT') reject(new Error(`${program} is needed: ${install}`))
      else
        reject(
          new Error(
            `${program} ${args.join(' ')} failed: ${(errors || out || error.message).trim().split('\n').slice(-8).join('\n')}`,
          ),
        )
    })
  })
}

/**
 * One sha256 for all files of a folder: of the lines `<sha256>  <name>`, sorted by name, as `sha256sum * | sha256sum`
 * prints it.
 */
export function folderHash(folder: string): string {
  const lines = readdirSync(folder)
    .toSorted((a, b) => (a < b ? -1 : 1))
    .map((name) => `${sha256(readFileSync(join(folder, name)))}  ${name}\n`)
  return sha256(Buffer.from(lines.join('')))
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
