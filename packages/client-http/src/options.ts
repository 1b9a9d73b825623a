/** How to reach an HTTP server and log in: the same options for whoever asks and whoever posts. */
import { option, type Problem, type Secret } from '@millrace/core'

/** The paths of files, and whether certificates are verified. */
export interface TlsOptions {
  readonly ca?: string | undefined
  readonly certificate?: string | undefined
  readonly reject_unauthorized: boolean
}

/** A secret; plain text replaces one where no spec is involved. */
export type SecretText = Secret | string

/** Client credentials of OAuth 2. */
export interface Oauth2Options {
  readonly token_url: string
  readonly client_id: string
  readonly client_secret: SecretText
  readonly scope?: string | undefined
  readonly audience?: string | undefined
}

/** How requests are authorized: one of these. */
export interface AuthOptions {
  readonly basic?: { readonly username: string; readonly password: SecretText } | undefined
  readonly bearer?: SecretText | undefined
  readonly oauth2?: Oauth2Options | undefined
}

/** The options below, resolved, with the address that they belong to. */
export interface HttpOptions {
  readonly url: string
  readonly headers: Readonly<Record<string, SecretText>>
  readonly auth?: AuthOptions | undefined
  readonly proxy?: SecretText | undefined
  readonly tls?: TlsOptions | undefined
  readonly redirects: number
  /** How long a request may take, ms. */
  readonly timeout: number
}

const oauth2 = option.object(
  {
    token_url: option.url('The address that grants tokens.', {
      pattern: '^https?://',
      example: 'https://login.example.com/oauth2/token',
    }),
    client_id: option.text('The client.', { example: 'millrace' }),
    client_secret: option.secret('Its secret.', { example: '${secret:api_client}' }),
    scope: option.optional(option.text('What the token should allow.', { example: 'orders.write' })),
    audience: option.optional(
      option.text('What the token is for, if the server asks for it.', { example: 'https://api.example.com' }),
    ),
  },
  'A token by OAuth 2 client credentials. It is fetched again before it expires, and once when it is refused.',
)

/** Options that source and sink share. */
export const httpOptions = {
  headers: option.map(option.secret('A value.'), 'Further headers, sent to the host of `url` only.', { default: {} }),
  auth: option.optional(
    option.object(
      {
        basic: option.optional(
          option.object(
            {
              username: option.text('The user name.', { example: 'millrace' }),
              password: option.secret('The password.', { example: '${secret:api_password}' }),
            },
            'A name and a password.',
          ),
        ),
        bearer: option.optional(option.secret('A token.', { example: '${secret:api_token}' })),
        oauth2: option.optional(oauth2),
      },
      'The login, sent to the host of `url` only: `basic`, `bearer` or `oauth2`.',
      { tuning: true },
    ),
  ),
  proxy: option.optional(
    option.secret(
      'The address of a proxy, with name and password if it requires them. Default: what `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` of the environment say.',
      { tuning: true, example: 'http://proxy.example.com:3128' },
    ),
  ),
  tls: option.optional(
    option.object(
      {
        ca: option.optional(
          option.path('A file with certificates to trust, in addition to those that the system trusts.', {
            example: 'certs/ca.pem',
          }),
        ),
        certificate: option.optional(
          option.path('A file with certificate and key, if the server requires client certificates.', {
            example: 'certs/client.pem',
          }),
        ),
        reject_unauthorized: option.boolean('False: accept any certificate. For testing only.', { default: true }),
      },
      'Certificates, for `https:`.',
      { tuning: true },
    ),
  ),
}

/** `auth` is one login, and the only one; names of headers can be sent. */
export function httpProblems(o: Pick<HttpOptions, 'url' | 'auth' | 'headers'>): Problem[] {
  const { auth } = o
  if (!auth) return []
  const logins = [auth.basic, auth.bearer, auth.oauth2].filter((login) => login !== undefined)
  const elsewhere = new URL(o.url).username
    ? 'the name and password in `url`'
    : Object.keys(o.headers).some((name) => name.toLowerCase() === 'authorization') && 'the header `authorization`'
  if (logins.length === 1 && !elsewhere) return []
  return [
    {
      code: 'bad_value',
      message: elsewhere
        ? `\`auth\` and ${elsewhere} cannot be combined`
        : '`auth` must have one of `basic`, `bearer` and `oauth2`',
      at: ['auth'],
      hint: 'for example `auth: { bearer: "${secret:api_token}" }`',
    },
  ]
}
