/** Options of all connectors that send requests to an HTTP server: the way to it, and the login. */
import { option, type Problem, type Secret } from '@millrace/core'

/** The path of a file, and whether certificates are verified. */
export interface TlsOptions {
  readonly ca?: string | undefined
  readonly certificate?: string | undefined
  readonly reject_unauthorized: boolean
}

/** A secret; plain text replaces one where no spec is involved. */
type Text = Secret | string

/** How requests are authorized: one of these. */
export interface AuthOptions {
  readonly basic?: { readonly username: string; readonly password: Text } | undefined
  readonly bearer?: Text | undefined
  readonly oauth2?:
    | {
        readonly token_url: string
        readonly client_id: string
        readonly client_secret: Text
        readonly scope?: string | undefined
        readonly audience?: string | undefined
      }
    | undefined
}

/** Options that source and sink share. */
export const endpointOptions = {
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
        bearer: option.optional(option.secret('A token, sent as it is.', { example: '${secret:api_token}' })),
        oauth2: option.optional(
          option.object(
            {
              token_url: option.url('The address that grants tokens.', {
                pattern: '^https?://',
                example: 'https://login.example.com/oauth2/token',
              }),
              client_id: option.text('The client.', { example: 'millrace' }),
              client_secret: option.secret('Its secret.', { example: '${secret:api_client}' }),
              scope: option.optional(option.text('What the token is to allow.', { example: 'orders.write' })),
              audience: option.optional(
                option.text('What the token is for, where the server asks for it.', {
                  example: 'https://api.example.com',
                }),
              ),
            },
            'A token by OAuth 2 client credentials, fetched anew before it ends and when it is refused.',
          ),
        ),
      },
      'The login, sent to the host of `url` only: `basic`, `bearer` or `oauth2`.',
      { tuning: true },
    ),
  ),
  proxy: option.optional(
    option.secret(
      'The address of a proxy, with name and password if it requires them. Default: `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` of the environment.',
      { tuning: true, example: 'http://proxy.example.com:3128' },
    ),
  ),
  tls: option.optional(
    option.object(
      {
        ca: option.optional(
          option.path('A file with certificates to trust, beside those that are generally trusted.', {
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

/** Exactly one login, and no second one beside it. */
export function endpointProblems(o: {
  readonly url: string
  readonly auth?: AuthOptions | undefined
  readonly headers: Readonly<Record<string, unknown>>
}): Problem[] {
  if (!o.auth) return []
  const named = Object.keys(o.auth).filter((name) => o.auth![name as keyof AuthOptions] !== undefined)
  const elsewhere = new URL(o.url).username
    ? 'the name and password in `url`'
    : Object.keys(o.headers).some((name) => name.toLowerCase() === 'authorization') && 'the header `authorization`'
  if (named.length === 1 && !elsewhere) return []
  return [
    {
      code: 'bad_value',
      message: elsewhere
        ? `\`auth\` and ${elsewhere} cannot be combined`
        : '`auth` is one of `basic`, `bearer` and `oauth2`',
      at: ['auth'],
      hint: 'set one of them: `auth: { bearer: ${secret:api_token} }`',
    },
  ]
}
