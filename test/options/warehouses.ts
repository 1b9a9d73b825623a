/** Options of warehouses: here the tests check how a client is configured, the live tests do the rest. */
import { type Env, Secret } from '../../packages/core/src/index.ts'
import { configOf } from '../../packages/client-postgres/src/session.ts'
import type { Entry, Pair } from './entry.ts'

type Config = Readonly<Record<string, unknown>>

const env: Env = { root: '/', home: '/', profile: 'local', pipeline: 'p', id: 'x', resolve: (path) => path }
const here = import.meta.filename

/** What a client of PostgreSQL is created with. */
const connected = (b: Config, a: Config = {}): Pair<Config> => ({
  a,
  b,
  see: (config) => JSON.stringify(configOf({ url: 'postgres://one/d', schema: 'public', ...config }, env)),
})
const tls = { ca: undefined, reject_unauthorized: true }
const login = { username: 'u', password: new Secret('p') }
const live = (test: string): Entry => ({ file: 'packages/sink-postgres/test/load.live.test.ts', test })

/** How every option of a warehouse is shown to be read. */
export const warehouses: Readonly<Record<string, Entry>> = {
  'sink postgres url': connected({ url: 'postgres://two/d' }),
  'sink postgres username': connected({ ...login, username: 'v' }, login),
  'sink postgres password': connected({ ...login, password: new Secret('q') }, login),
  'sink postgres tls': connected({ tls }),
  'sink postgres tls.ca': connected({ tls: { ...tls, ca: here } }, { tls }),
  'sink postgres tls.reject_unauthorized': connected({ tls: { ...tls, reject_unauthorized: false } }, { tls }),
  'sink postgres schema': live('writes to the table and schema that it is told'),
  'sink postgres table': live('writes to the table and schema that it is told'),
  'sink postgres write': live('a row replaces the one of its key with write: merge, and is added otherwise'),
  'sink postgres key': live('a row replaces the one of its key with write: merge, and is added otherwise'),
  'sink postgres existing': live(
    'a new run stops at the rows of an earlier one, replaces them or keeps them, as existing says',
  ),
}
