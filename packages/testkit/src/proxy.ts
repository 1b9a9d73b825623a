/**
 * A TCP proxy that breaks connections on demand: simulates a bad network between a client and its server. It forwards
 * bytes only, so it works with every protocol. A fault lasts until the next is set, and also affects open connections.
 */
import { connect, createServer, type Socket } from 'node:net'
import { once } from 'node:events'

/** The fault of a connection. */
export type Fault =
  | 'none'
  /** New connections are refused, open ones continue. */
  | 'refuse'
  /** Connections are reset, open ones immediately, new ones when they arrive. */
  | 'reset'
  /** Bytes are accepted and dropped; nothing is closed. */
  | 'black_hole'
  /** No bytes are accepted any more, so that the client cannot finish a large write; nothing is closed. */
  | 'frozen'
  /** Each piece of an answer is delayed by this much. */
  | { readonly delayMs: number }
  /** Answers are limited to this rate. */
  | { readonly bytesPerSecond: number }
  /**
   * The next request of at least this many bytes is forwarded, its answer is dropped and the connection cut; then as
   * `none`.
   */
  | { readonly cutAnswerOf: number }

/** A TCP proxy that breaks connections on demand. */
export interface CuttingProxy {
  readonly host: '127.0.0.1'
  readonly port: number
  /** Connections open now. */
  readonly connections: number
  /** Answers dropped so far. */
  readonly cuts: number
  set(fault: Fault): Promise<void>
  close(): Promise<void>
}

/** Forwards to `port` on `host`. */
export async function cuttingProxy(port: number, host = '127.0.0.1'): Promise<CuttingProxy> {
  let fault: Fault = 'none'
  let cuts = 0
  const clients = new Set<Socket>()
  const is = <K extends string>(name: K): (Fault & Record<K, number>) | undefined =>
    typeof fault === 'object' && name in fault ? (fault as never) : undefined

  const server = createServer({ noDelay: true }, (client) => {
    if (fault === 'reset') return void client.resetAndDestroy()
    clients.add(client)
    const upstream = connect({ host, port, noDelay: true })
    let dropped = false
    const end = () => {
      clients.delete(client)
      client.destroy()
      upstream.destroy()
    }
    if (fault === 'frozen') client.pause()
    for (const socket of [client, upstream]) socket.on('error', end).on('close', end)
    client.on('data', (bytes) => {
      if (fault === 'black_hole') return
      const cut = is('cutAnswerOf')
      if (cut && bytes.length >= cut.cutAnswerOf) {
        dropped = true
        fault = 'none'
      }
      if (!upstream.write(bytes)) {
        client.pause()
        upstream.once('drain', () => fault === 'frozen' || client.resume())
      }
    })
    let free = 0
    upstream.on('data', (bytes) => {
      if (fault === 'black_hole') return
      if (dropped) {
        cuts++
        return end()
      }
      const wait =
        (is('delayMs')?.delayMs ?? 0) +
        (bytes.length / (is('bytesPerSecond')?.bytesPerSecond ?? Number.POSITIVE_INFINITY)) * 1000
      // Later pieces wait for earlier ones, so that bytes keep their order.
      free = Math.max(Date.now(), free) + wait
      if (wait === 0 && free <= Date.now()) client.write(bytes)
      else setTimeout(() => client.write(bytes), free - Date.now())
    })
  })
  const listen = async (at: number) => {
    server.listen(at, '127.0.0.1')
    await once(server, 'listening')
  }
  await listen(0)
  const address = server.address() as { port: number }
  return {
    host: '127.0.0.1',
    port: address.port,
    get connections() {
      return clients.size
    },
    get cuts() {
      return cuts
    },
    async set(next) {
      fault = next
      for (const client of clients)
        if (fault === 'reset') client.resetAndDestroy()
        else if (fault === 'frozen') client.pause()
        else client.resume()
      // `close` stops the listening immediately; its callback would wait for the open connections.
      if (fault === 'refuse') server.close()
      else if (!server.listening) await listen(address.port)
    },
    async close() {
      for (const client of clients) client.destroy()
      if (server.listening) server.close()
    },
  }
}
