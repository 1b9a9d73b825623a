/** What the server's errors mean: postgresql.org/docs/current/errcodes-appendix.html. */
import { SystemError } from '@millrace/core'
import { DatabaseError } from 'pg'
import type { PostgresOptions } from './options.ts'

const reveal = (value: PostgresOptions['url']): string => (typeof value === 'string' ? value : value.reveal())

/** Why the server refuses values, whatever its own state; undefined: the error is about something else. */
export function refusalOf(
  error: unknown,
): { readonly code: string; readonly message: string; readonly field?: string } | undefined {
  if (!(error instanceof DatabaseError)) return undefined
  const group = error.code?.slice(0, 2)
  // P0001: a trigger or function of the user raised it. 54000: a value is too large for its index.
  if (group !== '22' && group !== '23' && error.code !== 'P0001' && error.code !== '54000') return undefined
  return {
    code: group === '23' ? 'constraint' : 'refused',
    message: error.message,
    ...(error.column === undefined ? {} : { field: error.column }),
  }
}

/** Whether what was to be created is there already; of two that create it at once, one may be told so by an index. */
export const isExisting = (error: unknown): boolean =>
  error instanceof DatabaseError && /^(42P07|23505|42710)$/.test(error.code ?? '')

/** Redshift's error 1023: transactions that ran at once cannot be put in an order. */
const unordered = /\b1023\b|serializable isolation violation/i
const passing = new Set(['40001', '40P01', '53300', '55P03', '57P01', '57P02', '57P03', '58030', '25006'])
const unauthorized = new Set(['28000', '28P01', '42501'])

/** Whether the connection can be used no longer. */
export const isBroken = (error: unknown): boolean =>
  !(error instanceof DatabaseError) || error.severity === 'FATAL' || error.severity === 'PANIC'

/** A failure of the server or the connection, without secrets. */
export function systemError(error: unknown, o: PostgresOptions): SystemError {
  if (error instanceof SystemError) return error
  const message = scrubbed(error, o)
  const made = (code: string, text: string, retry: boolean, hint?: string) =>
    new SystemError(code, text, { retry, hint, cause: cleaned(error, o) })
  const where = addressOf(o)
  if (!(error instanceof DatabaseError)) {
    if (/certificate|\bTLS\b|\bSSL\b|self-signed/i.test(message))
      return made(
        'tls_failed',
        `no encrypted connection to ${where}: ${message}`,
        false,
        'check `tls` of the connection and the certificates',
      )
    if (/Invalid URL|client password must be a string/i.test(message))
      return made('bad_connection', message, false, 'check `url` and `password` of the connection')
    return made(
      'unavailable',
      `${where} cannot be reached: ${message}`,
      true,
      'check that the server of `url` runs and can be reached from here',
    )
  }
  const code = error.code ?? ''
  if (unauthorized.has(code))
    return made(
      'unauthorized',
      `${where} refuses the login or the command: ${message}`,
      false,
      'check name, password and the rights of the user',
    )
  if (passing.has(code) || code.startsWith('08') || (code === 'XX000' && unordered.test(message)))
    return made('unavailable', `${where} is not available: ${message}`, true)
  if (code === '3D000' || code === '3F000')
    return made('not_found', `${where}: ${message}`, false, 'create it, or correct `url` or `schema` of the connection')
  if (code === '53100') return made('disk_full', `${where}: ${message}`, false)
  return made('store_failed', `${where}: ${message} (SQLSTATE ${code})`, false)
}

/** Host, port and database, for messages. */
export function addressOf(o: PostgresOptions): string {
  try {
    const { host, pathname } = new URL(reveal(o.url))
    return `${host}${pathname}`
  } catch {
    return 'the server of `url`'
  }
}

/** The message without url and password. */
function scrubbed(error: unknown, o: PostgresOptions): string {
  // Several addresses were tried: the message of the whole is empty.
  const one = error instanceof AggregateError ? (error.errors as unknown[])[0] : error
  let text = one instanceof Error ? one.message : String(one)
  for (const secret of secretsOf(o)) text = text.replaceAll(secret, '***')
  return text
}

/** An error that may be kept as a cause: the driver's own has the parameters of the connection. */
const cleaned = (error: unknown, o: PostgresOptions): Error =>
  Object.assign(new Error(scrubbed(error, o)), { name: error instanceof Error ? error.name : 'Error' })

function secretsOf(o: PostgresOptions): string[] {
  const url = reveal(o.url)
  const inUrl = /^[a-z]+:\/\/[^:@/]*:([^@/]*)@/i.exec(url)?.[1]
  const found = [
    url,
    ...(inUrl === undefined ? [] : [inUrl, decoded(inUrl)]),
    ...(o.password === undefined ? [] : [reveal(o.password)]),
  ]
  return found.filter((secret) => secret.length > 0).toSorted((a, b) => b.length - a.length)
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
