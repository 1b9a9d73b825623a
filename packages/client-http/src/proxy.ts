/** The way to a server: directly, or through the proxy that the options or the environment name. */
import { hidePassword, MillraceError } from '@millrace/core'
import { type buildConnector, type Dispatcher, EnvHttpProxyAgent, Pool, ProxyAgent } from 'undici'
import { publicLookup } from './address.ts'
import { type TlsSettings, trustOf } from './tls.ts'

/** How to reach a server. */
export interface Way {
  /** Whether addresses of this machine and of private networks may be called. */
  readonly allowPrivate: boolean
  /** The address of a proxy. Absent: the environment names one, or none. */
  readonly proxy?: string | undefined
  readonly tls?: TlsSettings | undefined
}

/** A proxy that could not be reached: the error of the connection is its cause. */
export class ProxyUnreachable extends Error {
  readonly code = 'proxy_unreachable'
  /** Name and port of the proxy. */
  readonly proxy: string
  constructor(proxy: string, cause: Error) {
    super(cause.message, { cause })
    this.proxy = proxy
  }
}

/** Connecting, with TLS, takes no longer: otherwise a port that is silent would look like a slow answer. */
const connectMs = 4000

const variables = ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY']

/** The addresses of proxies that requests may go through. Throws `bad_value`. */
export function proxiesOf(proxy: string | undefined): readonly string[] {
  const found = proxy === undefined ? variables.flatMap((name) => process.env[name] || []) : [proxy]
  for (const address of found) {
    hidePassword(address)
    if (URL.canParse(address) && /^https?:$/.test(new URL(address).protocol)) continue
    throw new MillraceError('bad_value', 'the address of the proxy is not one of http: or https:', {
      hint: `check ${proxy === undefined ? variables.join(', ') : '`proxy`'}: for example http://proxy.example.com:3128`,
      exitCode: 2,
    })
  }
  return found
}

/** What sends requests to one server. `timeoutMs`: the caller ends them; nothing else does earlier. */
export function dispatcherFor(url: URL, { allowPrivate, proxy, tls }: Way): Dispatcher {
  // The requests' own timer covers headers and body.
  const settings = { allowH2: false, headersTimeout: 0, bodyTimeout: 0, pipelining: 1 }
  const secure = { ...tls, timeout: connectMs }
  const connect = allowPrivate ? secure : { ...secure, lookup: publicLookup }
  const proxies = proxiesOf(proxy)
  if (proxies.length === 0) return new Pool(url.origin, { ...settings, connect })
  const agent = {
    ...settings,
    connect,
    connectTimeout: connectMs,
    requestTls: secure,
    proxyTls: trustOf(tls),
    // Connections to the proxy itself, first for https:, then for http:.
    clientFactory: (origin: URL, options: object) => new Pool(origin, named(origin, options)),
    factory: (origin: string | URL, options: object) =>
      new Pool(origin, {
        ...settings,
        ...(new URL(origin).origin === url.origin ? options : named(new URL(origin), options)),
      }),
  }
  return proxy === undefined ? new EnvHttpProxyAgent(agent) : new ProxyAgent({ ...agent, uri: proxy })
}

/** Options whose failures name the proxy. */
function named(proxy: URL, options: { connect?: buildConnector.connector }): Pool.Options {
  const { connect } = options
  if (!connect) return options
  return {
    ...options,
    connect: (to, callback) =>
      connect(to, (...result) => {
        if (result[0]) callback(new ProxyUnreachable(proxy.host, result[0]), null)
        else callback(...result)
      }),
  }
}
