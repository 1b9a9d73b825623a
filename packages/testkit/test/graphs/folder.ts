/** Where cases are played. */
import { existsSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** In memory, where the machine has such a folder: a sync costs nothing there. */
const shared = '/dev/shm'
export const makeFolder = (): string => mkdtempSync(join(existsSync(shared) ? shared : tmpdir(), 'millrace-graphs-'))
