/** The temporary folder of a process that runs cases. */
import { existsSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** In memory where possible, so that syncs cost nothing. */
const shared = '/dev/shm'
export const makeFolder = (): string => mkdtempSync(join(existsSync(shared) ? shared : tmpdir(), 'millrace-graphs-'))
