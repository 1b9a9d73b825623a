/** The errors of requests by their cause. */
import { networkError, SystemError } from '@millrace/core'
import { ProxyUnreachable } from './proxy.ts'

interface Failure {
  readonly name?: string
  readonly message?: string
  readonly code?: string
}

const cuts = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'])

/** Whether the connection was closed. */
export const isCut = (error: unknown): boolean => cuts.has((error as Failure).code ?? '')

/** The request was not answered completely in time. */
export const late = (url: URL, timeoutMs: number): SystemError =>
  new SystemError('no_answer', `${url.host} did not answer completely within ${timeoutMs} ms`, again)

const again = { retry: true, hint: 'is the server running, and the address right?' }

/** A failed request by its cause. */
export function reasonOf(error: unknown, url: URL): Error {
  const { name, message = '', code = '' } = error as Failure
  if (name === 'SystemError' || name === 'MillraceError') return error as Error
  if (error instanceof ProxyUnreachable || code === 'UND_ERR_PRX_CONN' || code === 'UND_ERR_PRX_TLS')
    return proxyFailure(error as Error)
  const status = /^Proxy (?:response|Authentication Required) \((\d+)\)/.exec(message)?.[1]
  if (status) return proxyAnswer(Number(status), url, error)
  const where = `${url.host} cannot be reached`
  const network = networkError(error, where, 'name the file with the authority that signed it in `tls.ca`')
  if (network) return network
  if (name === 'HTTPParserError' || code === 'UND_ERR_HEADERS_OVERFLOW')
    return new SystemError('not_http', `${url.host} does not answer in HTTP: ${message}`, {
      hint: 'does the server expect https: at this port, or another protocol?',
      cause: error,
    })
  // Not by a connection: an abort, or a fault of ours.
  if (name === 'AbortError' || !code) return error as Error
  if (isCut(error))
    return new SystemError('connection_lost', `${url.host} closed the connection before its answer was complete`, {
      retry: true,
      hint: 'look into the log of the server, or of what stands in front of it',
      cause: error,
    })
  return new SystemError('http_unreachable', `${where}: ${message || code}`, { ...again, cause: error })
}

function proxyFailure(error: Error): SystemError {
  const name = error instanceof ProxyUnreachable ? ` ${error.proxy}` : ''
  const where = `the proxy${name} cannot be reached`
  const network = networkError(error, where, 'name the file with the authority that signed it in `tls.ca`')
  // A certificate or TLS stays its own error; a wrong host is that of the proxy.
  if (network && network.code !== 'unknown_host') return network
  return new SystemError('proxy_unreachable', network?.message ?? `${where}: ${error.message}`, {
    retry: true,
    hint: 'check `proxy`, or `HTTP_PROXY` and `HTTPS_PROXY` of the environment, and whether the proxy runs',
    cause: error,
  })
}

/** What a proxy answers instead of connecting. */
function proxyAnswer(status: number, url: URL, cause: unknown): SystemError {
  if (status >= 500 || status === 429)
    return new SystemError('http_unreachable', `${url.host} cannot be reached by the proxy, which answers ${status}`, {
      ...again,
      cause,
    })
  return new SystemError('proxy_refused', `the proxy refuses to connect to ${url.host}: it answers ${status}`, {
    hint: 'check the name and password in `proxy`, and whether the proxy allows this host and port',
    cause,
  })
}
