/** How to connect to MongoDB: the same options for source and sink. */
import { option, type Problem, type Secret } from '@millrace/core'

/** Options that source and sink share. */
export const mongodbOptions = {
  url: option.secret(
    'The address of the servers, as a connection string. Name and password may be part of it, or options of their own.',
    {
      example: 'mongodb://db1.example.com,db2.example.com/?replicaSet=rs0',
    },
  ),
  database: option.text('The database.', { minLength: 1, example: 'customer-events' }),
  username: option.optional(option.text('The user name.', { tuning: true, example: 'millrace' })),
  password: option.optional(option.secret('The password.', { tuning: true, example: '${secret:mongodb}' })),
  tls: option.optional(
    option.object(
      {
        ca: option.optional(
          option.path('A file with the certificates to trust, if the system does not know them.', {
            example: 'certs/ca.pem',
          }),
        ),
        certificate: option.optional(
          option.path('A file with certificate and key, if the server requires client certificates.', {
            example: 'certs/client.pem',
          }),
        ),
        reject_unauthorized: option.boolean('False: accept any certificate. For testing only.', {
          default: true,
        }),
      },
      'Encrypted connections; `tls: {}` trusts what the system trusts.',
      { tuning: true },
    ),
  ),
}

/** The resolved options. Plain text replaces a secret where no spec is involved. */
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

/** A collection, for `SourceDefinition.reads`. The servers may be named in several ways, so they are left out. */
export const placeOf = (o: MongodbOptions & { readonly collection: string }): string =>
  `mongodb:${o.database}.${o.collection}`

const unfit = /[/\\. "$*<>:|?\0]/

/**
 * Problems with the names of database and collection: mongodb.com/docs/manual/reference/limits, "Naming Restrictions".
 */
export function mongodbProblems(o: MongodbOptions & { readonly collection: string }): Problem[] {
  const found: Problem[] = []
  const { database, collection } = o
  if (unfit.test(database) || Buffer.byteLength(database) > 63) {
    found.push({
      code: 'bad_value',
      message: `\`${database}\` is not a valid database name: at most 63 bytes, without spaces, dots, slashes, quotes and $*<>:|?`,
      at: ['database'],
    })
  }
  if (collection === '' || /[$\0]/.test(collection) || collection.startsWith('system.')) {
    found.push({
      code: 'bad_value',
      message: `\`${collection}\` is not a valid collection name: no $, and not beginning with \`system.\``,
      at: ['collection'],
    })
  }
  if ((o.username === undefined) !== (o.password === undefined)) {
    found.push({
      code: 'missing_key',
      message: '`username` and `password` must be set together',
      at: [o.username === undefined ? 'password' : 'username'],
    })
  }
  return found
}
