/** Chromium, Debian's package: the tests of the console start it themselves. */
import { existsSync } from 'node:fs'
import type { Server } from '../server.ts'
import { tool } from '../tools.ts'

const install = 'install chromium (apt-get install chromium)'

/** Where it is. */
export const program = process.env['MILLRACE_TEST_CHROMIUM'] ?? '/usr/bin/chromium'

/** Why there is no browser; undefined: there is. */
export const missingChromium = existsSync(program)
  ? undefined
  : 'Chromium is needed: apt-get install chromium, or `npm run services -- get chromium`'

export const chromium: Pick<Server, 'name' | 'get'> = {
  name: 'chromium',
  async get() {
    if (existsSync(program)) return
    if (process.getuid?.() !== 0) throw new Error(`Chromium is needed: ${install}`)
    await tool('apt-get', ['update', '-q'], install)
    await tool('apt-get', ['install', '-yq', '--no-install-recommends', 'chromium'], install)
  },
}
