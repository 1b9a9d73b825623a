/** Secrets as values: from the environment, or from files. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { secretVariable } from './interpolate.ts'

/**
 * The values of secrets at run time: from the environment variable, else from the file, without the trailing line
 * break. A name without either is omitted.
 */
export async function readSecrets(
  names: Iterable<string>,
  env: Readonly<Record<string, string | undefined>>,
  secretsDir?: string,
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>()
  for (const name of names) {
    const value =
      env[secretVariable(name)] ||
      (secretsDir && isSecretName(name)
        ? await readFile(join(secretsDir, name), 'utf8').catch(() => undefined)
        : undefined)
    if (value) found.set(name, env[secretVariable(name)] ? value : value.replace(/\r?\n$/, ''))
  }
  return found
}

/** A name that cannot lead out of the secrets folder. */
const isSecretName = (name: string): boolean => /^\w[\w.-]*$/.test(name)
