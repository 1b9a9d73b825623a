/** A look at the inputs without running: the first of them, and what there is in all. */
import { type Env, MillraceError } from '@millrace/core'
import { compressionOf } from '../compression.ts'
import type { ByteSource } from '../reader.ts'
import { type InputFile, listInputs } from './list.ts'
import { fileSource } from './open.ts'

/** The first input, for inference; its name tells its format. Throws `MillraceError` where there is none. */
export async function firstInput(
  paths: readonly string[],
  env: Env,
  endings: readonly string[],
): Promise<{ name: string; input: ByteSource } | undefined> {
  if (paths.includes('-'))
    throw new MillraceError('cannot_infer', 'types cannot be told from standard input, which is read once', {
      hint: 'write it to a file first',
    })
  const [file] = await listInputs(paths, env, endings, false)
  return file && { name: file.path, input: fileSource(file.path, file.name, file.size, compressionOf(file.path)) }
}

/** For `pipe doctor`: `3 files, 45.6 MB`. */
export async function describeInputs(paths: readonly string[], env: Env, endings: readonly string[]): Promise<string> {
  if (paths.includes('-')) return 'standard input'
  const files = await listInputs(paths, env, endings, false)
  return `${files.length} ${files.length === 1 ? 'file' : 'files'}, ${(files.reduce((sum: number, file: InputFile) => sum + file.size, 0) / 1e6).toFixed(1)} MB`
}
