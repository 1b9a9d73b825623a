/** How to connect to PostgreSQL: the same options for everything that speaks its protocol. */
import { option, type Problem, type Secret } from '@millrace/core'

/** Options that sinks share. */
export const postgresOptions = {
  url: option.secret(
    'The address of the server and its database. Name and password may be part of it, or options of their own.',
    { example: 'postgres://warehouse.example.com:5432/sales' },
  ),
  username: option.optional(option.text('The user name.', { tuning: true, example: 'millrace' })),
  password: option.optional(option.secret('The password.', { tuning: true, example: '${secret:warehouse}' })),
  schema: option.text('The schema of the table.', { tuning: true, default: 'public' }),
  tls: option.optional(
    option.object(
      {
        ca: option.optional(
          option.path('A file with the certificates to trust, if the system does not know them.', {
            example: 'certs/ca.pem',
          }),
        ),
        reject_unauthorized: option.boolean('False: accept any certificate. For testing only.', { default: true }),
      },
      'Encrypted connections; `tls: {}` trusts what the system trusts.',
      { tuning: true },
    ),
  ),
}

/** The resolved options. Plain text replaces a secret where no spec is involved. */
export interface PostgresOptions {
  readonly url: Secret | string
  readonly username?: string | undefined
  readonly password?: Secret | string | undefined
  readonly schema: string
  readonly tls?: { readonly ca?: string | undefined; readonly reject_unauthorized: boolean } | undefined
}

/** Contradictions between options. */
export function postgresProblems(o: PostgresOptions): Problem[] {
  if ((o.username === undefined) === (o.password === undefined)) return []
  return [
    {
      code: 'missing_key',
      message: '`username` and `password` must be set together',
      at: [o.username === undefined ? 'password' : 'username'],
    },
  ]
}
