/** Cuts the network of this process: whatever resolves a name or opens a connection fails, and is recorded. */
import dns from 'node:dns'
import net from 'node:net'

/** What tried to reach the network since the cut. */
export function cutNetwork(): readonly string[] {
  const tried: string[] = []
  const refuse = (what: string) =>
    function refused(): never {
      tried.push(what)
      throw new Error(`the network is cut: ${what}`)
    }
  net.Socket.prototype.connect = refuse('connect') as never
  dns.lookup = refuse('lookup') as never
  dns.promises.lookup = refuse('lookup') as never
  globalThis.fetch = refuse('fetch') as never
  return tried
}
