/** Options of warehouses: here the tests check how a client is configured, the live tests do the rest. */
import { type Env, Secret } from '../../packages/core/src/index.ts'
import { configOf } from '../../packages/client-postgres/src/session.ts'
import { deletes, type Entry, type Pair } from './entry.ts'

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

const loads = (test: string): Entry => ({ file: 'packages/sink-redshift/test/options.live.test.ts', test })
const jobs = (test: string): Entry => ({ file: 'packages/sink-redshift/test/job.live.test.ts', test })
const place = 'choose the table, schema, bucket and path'
const statement = 'go into the statement: iam_role, region, compupdate, statupdate'
const byService = 'reach the bucket by path or host, without optional checksums'
const rolled = 'roll by size, records or time'
const created = 'create the table, with texts of max_text_bytes, unless create is false'

/** Options of the sink for Redshift. */
const redshift: Readonly<Record<string, Entry>> = {
  url: connected({ url: 'postgres://two/d' }),
  username: connected({ ...login, username: 'v' }, login),
  password: connected({ ...login, password: new Secret('q') }, login),
  tls: connected({ tls }),
  'tls.ca': connected({ tls: { ...tls, ca: here } }, { tls }),
  'tls.reject_unauthorized': connected({ tls: { ...tls, reject_unauthorized: false } }, { tls }),
  schema: loads(place),
  table: loads(place),
  bucket: loads(place),
  path: loads(place),
  write: loads('add rows, or replace those of the key with write: merge'),
  key: loads('add rows, or replace those of the key with write: merge'),
  existing: loads('say what becomes of existing rows of an earlier run'),
  create: loads(created),
  max_text_bytes: loads(created),
  roll: loads(rolled),
  'roll.size': loads(rolled),
  'roll.records': loads(rolled),
  'roll.time': loads(rolled),
  part_size: loads('bound a staged file by part_size'),
  after_load: loads('keep or delete files after_load'),
  iam_role: loads(statement),
  compupdate: loads(statement),
  statupdate: loads(statement),
  path_style: loads(byService),
  checksums: loads(byService),
  load: jobs('loads what was staged'),
  glue: jobs('loads what was staged'),
  'glue.job': jobs('that does not exist is an error with its name'),
  'glue.endpoint': jobs('loads what was staged'),
  'glue.poll': jobs('is looked at as often as poll says'),
}

/** How every option of a warehouse is shown to be read. */
export const warehouses: Readonly<Record<string, Entry>> = {
  ...Object.fromEntries(Object.entries(redshift).map(([name, entry]) => [`sink redshift ${name}`, entry])),
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
  'sink postgres on_null': deletes,
  'sink postgres existing': live(
    'a new run stops at the rows of an earlier one, replaces them or keeps them, as existing says',
  ),
}
