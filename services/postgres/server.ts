/** PostgreSQL 15, Debian's package, as a user of its own where this one is root: the server refuses to run as root. */
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { chown } from 'node:fs/promises'
import { join } from 'node:path'
import { Client } from 'pg'
import type { Place, Server } from '../server.ts'
import { tool } from '../tools.ts'

const install = 'install postgresql-15 (apt-get install postgresql-15)'
const isRoot = process.getuid?.() === 0

/** The versions that Debian's packages have installed, the newest one first. */
const all = '/usr/lib/postgresql'
const versions = (): string[] => (existsSync(all) ? readdirSync(all).toSorted((a, b) => Number(b) - Number(a)) : [])

function bin(): string {
  const [newest] = versions()
  if (newest === undefined) throw new Error(`PostgreSQL is needed: ${install}`)
  return join(all, newest, 'bin')
}

/** A program as the user `postgres`, who owns the data. */
const asOwner = (command: readonly string[]): readonly string[] =>
  isRoot ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups', '--', ...command] : command

export const postgres: Server = {
  name: 'postgres',
  ports: 1,

  async get() {
    if (versions().length === 0 && isRoot) {
      await tool('apt-get', ['update', '-q'], install)
      await tool('apt-get', ['install', '-yq', '--no-install-recommends', 'postgresql-15'], install)
    }
    bin()
  },

  async prepare(place) {
    const data = join(place.run, 'data')
    if (existsSync(join(data, 'PG_VERSION'))) return
    mkdirSync(data, { recursive: true })
    if (isRoot) {
      const ids = (await tool('id', ['-u', 'postgres'], install)).trim()
      const group = (await tool('id', ['-g', 'postgres'], install)).trim()
      await chown(data, Number(ids), Number(group))
    }
    const how = ['-U', 'test', '-A', 'trust', '--no-sync', '--locale=C.UTF-8', '-E', 'UTF8']
    const [program, ...args] = asOwner([join(bin(), 'initdb'), '-D', data, ...how])
    await tool(program!, args, install)
  },

  command: (place) =>
    asOwner([
      join(bin(), 'postgres'),
      ...['-D', join(place.run, 'data')].concat('-p', String(place.port)),
      ...settings.flatMap((setting) => ['-c', setting]),
    ]),

  healthy: (place) => answers(addressOf(place)),

  env: (place) => ({ MILLRACE_TEST_POSTGRES_URL: addressOf(place) }),
}

const settings = [
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  'fsync=off',
  'shared_buffers=64MB',
  'timezone=UTC',
]
const addressOf = (place: Place): string => `postgres://test@127.0.0.1:${place.port}/postgres`

/** Resolves when a server that speaks the protocol answers a query. */
export async function answers(address: string): Promise<void> {
  const client = new Client({ connectionString: address, connectionTimeoutMillis: 2000 })
  try {
    await client.connect()
    await client.query('SELECT 1')
  } finally {
    await client.end()
  }
}
