/**
 * The servers that a profile of the flows needs: those that the environment names, otherwise the repository's own,
 * which are started.
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { root } from '../pipe.ts'

const run = promisify(execFile)

/** Variables for the profile's file. `local` needs none. */
export async function serverEnvironment(profile: string): Promise<Record<string, string>> {
  if (profile === 'local') return {}
  const { KAFKA_BROKER, MONGODB_URL } = process.env
  if (KAFKA_BROKER && MONGODB_URL) return { KAFKA_BROKER, MONGODB_URL }
  const services = (command: string) =>
    run(process.execPath, ['services/main.ts', command, 'kafka', 'mongodb'], { cwd: root })
  await services('up')
  const { stdout } = await services('env')
  const named = new Map([...stdout.matchAll(/^(\w+)='(.*)'$/gm)].map(([, name, value]) => [name!, value!]))
  return {
    KAFKA_BROKER: KAFKA_BROKER ?? named.get('MILLRACE_TEST_KAFKA_URL')!,
    MONGODB_URL: MONGODB_URL ?? named.get('MILLRACE_TEST_MONGODB_URL')!,
  }
}
