/**
 * A broker for a single test, to be killed, secured or put behind a proxy without disturbing other tests. Its data is
 * in a temporary folder.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { down, pidOf, up } from '../process.ts'
import { tool } from '../tools.ts'
import { brokerWith } from './server.ts'

export interface OwnBroker {
  readonly address: string
  /** Through the proxy, if there is one. */
  readonly viaAddress: string
  /** TLS and a login by PLAIN or SCRAM, if requested; `ca` is a PEM file. */
  readonly secure:
    | { readonly address: string; readonly ca: string; readonly user: string; readonly password: string }
    | undefined
  /** SIGKILL; the data stays. Resolves when the process is gone. */
  kill(): Promise<void>
  /** Starts it again and waits until it answers. */
  start(): Promise<void>
  /** Kills it and removes its data. */
  close(): Promise<void>
}

const password = 'millrace-test'

/** Starts a broker. `before`: puts a proxy in front of the port it receives, and returns the proxy's. */
export async function ownBroker(
  options: { readonly before?: (port: number) => Promise<number> | number; readonly secure?: boolean } = {},
): Promise<OwnBroker> {
  const run = mkdtempSync(join(tmpdir(), 'millrace-kafka-'))
  const [port, viaPort, securePort] = (await freePorts()) as [number, number, number]
  const keystore = join(run, 'keystore.p12')
  const ca = join(run, 'ca.pem')
  if (options.secure) await makeCertificate(keystore, ca)
  const advertised = await options.before?.(viaPort)
  const server = brokerWith({
    ...(advertised === undefined ? {} : { via: { port: viaPort, advertised } }),
    ...(options.secure ? { secure: { port: securePort, keystore, user: 'millrace', password } } : {}),
  })
  const place = { cache: join(import.meta.dirname, '../../.services/cache'), run, port }
  const close = async () => {
    await down(place)
    rmSync(run, { recursive: true, force: true, maxRetries: 5 })
  }
  try {
    await up(server, place)
  } catch (error) {
    await close()
    throw error
  }
  return {
    address: `127.0.0.1:${port}`,
    viaAddress: `127.0.0.1:${advertised ?? viaPort}`,
    secure: options.secure ? { address: `127.0.0.1:${securePort}`, ca, user: 'millrace', password } : undefined,
    async kill() {
      const pid = await pidOf(place)
      if (pid === undefined) return
      process.kill(pid, 'SIGKILL')
      while ((await pidOf(place)) !== undefined) await new Promise((resolve) => setTimeout(resolve, 20))
    },
    start: () => up(server, place),
    close,
  }
}

async function makeCertificate(keystore: string, ca: string): Promise<void> {
  const store = ['-keystore', keystore, '-storetype', 'PKCS12', '-storepass', password, '-alias', 'broker']
  const jdk = 'install a JDK of version 17 or newer'
  await tool(
    'keytool',
    ['-genkeypair', ...store, '-keyalg', 'EC', '-dname', 'CN=127.0.0.1', '-ext', 'san=ip:127.0.0.1', '-validity', '30'],
    jdk,
  )
  await tool('keytool', ['-exportcert', ...store, '-rfc', '-file', ca], jdk)
}

/**
 * Three ports that are free now, with the port after the first free too: a broker's controller listens there. Below the
 * range that systems assign to clients, so none takes them while the broker is down.
 */
async function freePorts(): Promise<number[]> {
  const found: number[] = []
  while (found.length < 3) {
    const port = 12_000 + Math.floor(Math.random() * 4000) * 2
    if (!found.includes(port) && (await isFree(port)) && (await isFree(port + 1))) found.push(port)
  }
  return found
}

function isFree(port: number): Promise<boolean> {
  const server = createServer()
  return new Promise((resolve) =>
    server
      .on('error', () => resolve(false))
      .on('listening', () => server.close(() => resolve(true)))
      .listen(port, '127.0.0.1'),
  )
}
