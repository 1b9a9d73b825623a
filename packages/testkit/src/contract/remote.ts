/**
 * Runs work in a separate process, so that it can really be killed, or run with `MILLRACE_CODEGEN=off`, which is read
 * once at start. The request is passed on standard input, answers come back on standard output; both by `v8.serialize`,
 * since rows have bigints and bytes.
 */
import { spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer, text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { deserialize, serialize } from 'node:v8'

/** Source and build differ only in the extension. */
const fromSource = import.meta.url.endsWith('.ts')
const child = fileURLToPath(new URL(fromSource ? './child.ts' : './child.js', import.meta.url))

/**
 * A suite starts dozens of children: each would compile the same sources again, which takes longer than its actual
 * work.
 */
const compiled = join(tmpdir(), 'millrace-compiled')

export const pack = (value: unknown): string => serialize(value).toString('base64')
export const unpack = (packed: string): unknown => deserialize(Buffer.from(packed, 'base64'))

export interface RemoteResult {
  /** The answers of the child, in order. */
  readonly answers: readonly unknown[]
  /** It ended by SIGKILL, as requested. */
  readonly killed: boolean
}

/** Runs one request of child.ts. Rejects if the child failed by itself. */
export async function remote(request: unknown, env: Readonly<Record<string, string>> = {}): Promise<RemoteResult> {
  const conditions = fromSource ? ['--conditions=@millrace/source'] : []
  const process_ = spawn(process.execPath, [...conditions, '--no-warnings', child], {
    env: { ...process.env, NODE_OPTIONS: '', NODE_COMPILE_CACHE: compiled, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  process_.stdin.end(pack(request))
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve, reject) =>
    process_.on('error', reject).on('close', (code, signal) => resolve({ code, signal })),
  )
  const [out, errors, { code, signal }] = await Promise.all([buffer(process_.stdout), text(process_.stderr), ended])
  if (code !== 0 && signal !== 'SIGKILL') throw new Error(`the child process ended with ${code ?? signal}:\n${errors}`)
  const answers = out.toString('latin1').split('\n').filter(Boolean).map(unpack)
  return { answers, killed: signal === 'SIGKILL' }
}
