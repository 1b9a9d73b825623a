/** Where a service of AWS is and who asks: the same options for all of them. */
import { option, type Problem, type Secret } from '@millrace/core'

/** Options that every service's source and sink have. */
export const awsOptions = {
  region: option.text('The region, as in `eu-west-1`.', { minLength: 1, example: 'eu-west-1' }),
  endpoint: option.optional(
    option.text('The address of another service that speaks the same protocol. Default: the region’s own.', {
      example: 'http://127.0.0.1:4566',
    }),
  ),
  credentials: option.optional(
    option.object(
      {
        access_key_id: option.secret('The id of the key.', { example: '${secret:aws_key_id}' }),
        secret_access_key: option.secret('The key.', { example: '${secret:aws_key}' }),
        session_token: option.optional(option.secret('The token of a temporary key.')),
      },
      'A key of its own. Default: as every tool of AWS finds one: environment, `~/.aws`, single sign-on, the role of the machine.',
      { tuning: true },
    ),
  ),
}

/** The resolved options. Plain text replaces a secret where no spec is involved. */
export interface AwsOptions {
  readonly region: string
  readonly endpoint?: string | undefined
  readonly credentials?:
    | {
        readonly access_key_id: Secret | string
        readonly secret_access_key: Secret | string
        readonly session_token?: Secret | string | undefined
      }
    | undefined
}

/** Problems with region and endpoint that are known without connecting. */
export function awsProblems({ region, endpoint }: AwsOptions): Problem[] {
  const found: Problem[] = []
  // It becomes part of a host name.
  if (!/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(region))
    found.push({
      code: 'bad_value',
      message: `\`${region}\` is not the name of a region`,
      at: ['region'],
      hint: 'as in eu-west-1; for another service’s `endpoint` any word, often `auto`',
    })
  const url = endpoint === undefined ? undefined : URL.parse(endpoint)
  if (endpoint !== undefined && !(url && /^https?:$/.test(url.protocol) && !url.username && !url.password))
    found.push({
      code: 'bad_value',
      message: '`endpoint` is not an address with http:// or https://, without name and password',
      at: ['endpoint'],
    })
  return found
}
