/** How to reach MongoDB: the same options for its source and its sink. */
import { option, type Problem, type Secret } from '@millrace/core'

/** Options that source and sink share. */
export const mongodbOptions = {
  url: option.secret(
    'Where the servers are, as a connection string. Name and password may stand in it, or in options of their own.',
    {
      example: 'mongodb://db1.example.com,db2.example.com/?replicaSet=rs0',
    },
  ),
  database: option.text('The database.', { minLength: 1, example: 'customer-events' }),
  username: option.optional(option.text('The name to log in with.', { tuning: true, example: 'millrace' })),
  password: option.optional(
    option.secret('The password to log in with.', { tuning: true, example: '${secret:mongodb}' }),
  ),
  tls: option.optional(
    option.object(
      {
        ca: option.optional(
          option.path('A file with the certificates to trust, where the system does not know them.', {
            example: 'certs/ca.pem',
          }),
        ),
        certificate: option.optional(
          option.path('A file with certificate and key, where the server wants to know who calls.', {
            example: 'certs/client.pem',
          }),
        ),
        reject_unauthorized: option.boolean('False: take any certificate. Only for trying out.', { default: true }),
      },
      'Encrypted connections; `tls: {}` trusts what the system trusts.',
      { tuning: true },
    ),
  ),
}

/** What these options come to. A plain text stands for a secret where no spec is involved. */
export interface MongodbOptions {
  readonly url: Secret | string
  readonly database: string
  readonly username?: string | undefined
  readonly password?: Secret | string | undefined
  readonly tls?:
    | {
        readonly ca?: string | undefined
        readonly certificate?: string | undefined
        readonly reject_unauthorized: boolean
      }
    | undefined
}

const unfit = /[/\\. "$*<>:|?\0]/

/**
 * What is wrong with the names of database and collection: mongodb.com/docs/manual/reference/limits, "Naming
 * Restrictions".
 */
export function mongodbProblems(o: MongodbOptions & { readonly collection: string }): Problem[] {
  const found: Problem[] = []
  const { database, collection } = o
  if (unfit.test(database) || Buffer.byteLength(database) > 63) {
    found.push({
      code: 'bad_value',
      message: `\`${database}\` cannot name a database: at most 63 bytes, without spaces, dots, slashes, quotes and $*<>:|?`,
      at: ['database'],
    })
  }
  if (collection === '' || /[$\0]/.test(collection) || collection.startsWith('system.')) {
    found.push({
      code: 'bad_value',
      message: `\`${collection}\` cannot name a collection: no $, and not beginning with \`system.\``,
      at: ['collection'],
    })
  }
  if ((o.username === undefined) !== (o.password === undefined)) {
    found.push({
      code: 'missing_key',
      message: '`username` and `password` belong together',
      at: [o.username === undefined ? 'password' : 'username'],
    })
  }
  return found
}
