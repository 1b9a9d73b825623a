/** Inspects the inputs without a run: the first of them, and how many there are. */
import { type Env, MillraceError } from '@millrace/core'
import { nodeDisk } from './disk.ts'
import { FileInput } from './input.ts'
import { listInputs, projectName } from './list.ts'

/** The result of `look` for the first input, whose name indicates its format; undefined: there is none. */
export async function inFirstInput<T>(
  paths: readonly string[],
  env: Env,
  endings: readonly string[],
  look: (input: FileInput, path: string) => Promise<T>,
): Promise<T | undefined> {
  if (paths.includes('-'))
    throw new MillraceError('cannot_infer', 'types cannot be inferred from standard input, which is read once', {
      hint: 'write it to a file first',
    })
  const [path] = await listInputs(nodeDisk, paths, env, endings, 'error')
  if (path === undefined) return undefined
  const input = await FileInput.open(nodeDisk, path, projectName(path, env.root))
  try {
    return await look(input, path)
  } finally {
    await input.close()
  }
}

/** For `pipe doctor`: `3 files, 45.6 MB`. */
export async function describeInputs(paths: readonly string[], env: Env, endings: readonly string[]): Promise<string> {
  if (paths.includes('-')) return 'standard input'
  const files = await listInputs(nodeDisk, paths, env, endings, 'error')
  let bytes = 0
  for (const path of files) bytes += (await nodeDisk.state(path))?.bytes ?? 0
  return `${files.length} ${files.length === 1 ? 'file' : 'files'}, ${(bytes / 1e6).toFixed(1)} MB`
}
