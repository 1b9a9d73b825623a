/** Options of the HTTP gateway, and their checks. */
import { option, type Problem, type Static } from '@millrace/core'
import { hmacHeader, schemes } from './signature.ts'

export const options = option.object({
  address: option.text('Host and port to listen on. Sources with the same address share one server.', {
    default: '127.0.0.1:8080',
    example: '127.0.0.1:8080',
    pattern: '^.+:\\d{1,5}$',
  }),
  path: option.text('The path that accepts records.', { example: '/invoices', pattern: '^/[^?#]*$' }),
  method: option.oneOf(['POST', 'PUT'], 'The method that accepts records.', { default: 'POST' }),
  status: option.integer('The status of an accepted request.', { default: 201, min: 200, max: 299 }),
  wrap: option.optional(
    option.text('Answer `{ statusCode, <wrap>: record }` instead of the record itself.', { example: 'event' }),
  ),
  greeting: option.text('The answer to `GET /`.', {
    tuning: true,
    default: 'Millrace gateway: post records to the paths in /openapi.json',
  }),
  token: option.optional(
    option.secret('Requests must send it as `Authorization: Bearer`.', {
      tuning: true,
      example: '${secret:gateway_token}',
    }),
  ),
  signature: option.optional(
    option.object(
      {
        scheme: option.oneOf(schemes, 'How requests are signed: `hmac`, or as the webhooks of a service.', {
          default: 'hmac',
        }),
        secret: option.secret('The key of the signature.', { example: '${secret:gateway_signature}' }),
        header: option.optional(
          option.text(
            `For \`hmac\`: the header with the hex HMAC-SHA-256 of the body, by default \`${hmacHeader}\`; a prefix \`sha256=\` is allowed.`,
          ),
        ),
        tolerance: option.duration('For `stripe` and `svix`: how far the signed time may be from now.', {
          default: '5m',
        }),
      },
      'Requests must be signed. The signature is checked over the bytes as sent, compressed or not.',
      { tuning: true },
    ),
  ),
  insecure: option.boolean('Allow an address that others can reach without a token or signature.', {
    tuning: true,
    default: false,
  }),
  max_body: option.size('The largest body, after decompression.', { tuning: true, default: '1MiB' }),
  max_items: option.integer('The most records of a request; one with more is refused whole.', {
    tuning: true,
    default: 10_000,
    min: 1,
  }),
  max_buffered: option.size('The total size of bodies that are received or wait for their answer; any more get 503.', {
    tuning: true,
    default: '64MiB',
  }),
  max_in_flight: option.integer('Requests that may wait for their answer; any more get 503.', {
    tuning: true,
    default: 1024,
    min: 1,
  }),
  max_connections: option.integer('Connections of the server.', { tuning: true, default: 4096, min: 1 }),
  answer_timeout: option.duration(
    'When a request is answered 503, outcome unknown. Its record is still processed, and a repeated request gets the answer of its key.',
    { tuning: true, default: '30s' },
  ),
  keys: option.object(
    {
      required: option.boolean(
        'Refuse requests without an `Idempotency-Key` and without ids of their records, so that repeated ones are recognised.',
        { default: false },
      ),
      keep: option.duration('How long an `Idempotency-Key` is remembered.', { tuning: true, default: '24h' }),
      max: option.integer('How many are remembered; the oldest are removed first.', {
        tuning: true,
        default: 1_000_000,
        min: 1,
      }),
    },
    'Memory of idempotency keys.',
    { default: {} },
  ),
  log: option.optional(
    option.path('A file to which a line is appended for every accepted and refused request; `-`: standard output.', {
      tuning: true,
      example: 'logs/ingestion.jsonl',
    }),
  ),
  log_rotation: option.object(
    {
      size: option.size('From this size on another file is begun.', { default: '100MiB' }),
      keep: option.integer('How many older files stay; the last one ends with `.1`.', {
        default: 5,
        min: 0,
        max: 1000,
      }),
    },
    'How the file of `log` is kept small.',
    { tuning: true, default: {} },
  ),
})
export type Options = Static<typeof options>

/** `host:port` as its parts; an IPv6 host is in brackets. */
export function parseAddress(address: string): { readonly host: string; readonly port: number } {
  const at = address.lastIndexOf(':')
  return { host: address.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(address.slice(at + 1)) }
}

const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)

export function problems(o: Options): Problem[] {
  const { host, port } = parseAddress(o.address)
  const found: Problem[] = []
  if (port > 65_535)
    found.push({ code: 'bad_address', message: `${port} is not a port`, at: ['address'], hint: 'ports go up to 65535' })
  if (!isLoopback(host) && !o.token && !o.signature && !o.insecure) {
    found.push({
      code: 'open_to_all',
      message: `anyone who reaches ${o.address} could post records`,
      at: ['address'],
      hint: 'add `token` or `signature`, listen on 127.0.0.1, or set `insecure: true`',
    })
  }
  if (o.signature?.header !== undefined && o.signature.scheme !== 'hmac')
    found.push({
      code: 'bad_value',
      message: `\`scheme: ${o.signature.scheme}\` has headers of its own`,
      at: ['signature', 'header'],
      hint: 'remove `header`',
    })
  return found
}
