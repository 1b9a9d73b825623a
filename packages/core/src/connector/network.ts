/** What the errors of sockets, of name resolution and of TLS mean, wherever a client's library has put them. */
import { SystemError } from '../errors/index.ts'

/** Codes of OpenSSL's verification, as Node's page on TLS lists them under "X509 certificate error codes". */
const untrusted = new Set([
  'CERT_CHAIN_TOO_LONG',
  'CERT_REJECTED',
  'CERT_REVOKED',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])
const outOfDate = new Set(['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID'])
const otherName = new Set(['ERR_TLS_CERT_ALTNAME_INVALID', 'HOSTNAME_MISMATCH'])

/**
 * A failed connection by its cause: `unknown_host`, `tls_untrusted` or `tls_failed`; undefined: another one. `what` is
 * what failed, as the beginning of a sentence; `trust` how a user names further authorities.
 */
export function networkError(error: unknown, what: string, trust: string): SystemError | undefined {
  const causes = [...causesOf(error)]
  const found = (is: (code: string) => boolean) => causes.find(({ code }) => typeof code === 'string' && is(code))
  const host = found((code) => code === 'ENOTFOUND')
  if (host)
    return new SystemError('unknown_host', `${what}: there is no host ${host.hostname ?? ''}`.trimEnd(), {
      retry: true,
      hint: 'check the spelling of the host, and whether this machine resolves it',
      cause: error,
    })
  const certificate = found((code) => untrusted.has(code) || outOfDate.has(code) || otherName.has(code))
  if (certificate)
    return new SystemError('tls_untrusted', `${what}: the certificate is not trusted: ${certificate.message}`, {
      hint: outOfDate.has(certificate.code!)
        ? 'the certificate has to be renewed, or the clock of this machine is wrong'
        : otherName.has(certificate.code!)
          ? 'connect by a name that is in the certificate'
          : trust,
      cause: error,
    })
  const tls = found((code) => code === 'EPROTO' || code.startsWith('ERR_SSL_'))
  if (!tls) return undefined
  return new SystemError('tls_failed', `${what}: no encrypted connection: ${tls.message}`, {
    hint: 'does the server speak TLS at this port?',
    cause: error,
  })
}

interface Cause {
  readonly code?: string
  readonly message?: string
  readonly hostname?: string
}

/** The error and all that libraries have wrapped, the innermost last. */
function* causesOf(error: unknown, seen = new Set<unknown>()): Generator<Cause> {
  if (typeof error !== 'object' || error === null || seen.has(error)) return
  seen.add(error)
  yield error
  const { errors, cause, reason } = error as { errors?: unknown; cause?: unknown; reason?: unknown }
  if (Array.isArray(errors)) for (const inner of errors) yield* causesOf(inner, seen)
  yield* causesOf(cause, seen)
  yield* causesOf(reason, seen)
}

/** The messages of an error and of all that it wraps. */
export const wordsOf = (error: unknown): string => [...causesOf(error)].map(({ message }) => message).join('\n')

/** The message of the innermost cause: what a library's own wrapping says last. */
export const innermost = (error: unknown): string => [...causesOf(error)].at(-1)?.message ?? String(error)
