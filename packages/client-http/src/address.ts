/**
 * Which addresses may be called. A server that can choose the next address (by a redirect, a link, or its own DNS) must
 * not reach what only this machine can: loopback, private networks, link-local addresses with the cloud's metadata. The
 * address that is actually connected to is checked, after name resolution, so a name cannot change between check and
 * use. Ranges: IANA special-purpose address registries (RFC 6890 and its updates).
 */
import { lookup } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'
import { SystemError } from '@millrace/core'

// One list per family: a rule for mapped addresses in a shared list would apply to every IPv4 address.
const closed = { ipv4: new BlockList(), ipv6: new BlockList() }
for (const [net, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const)
  closed.ipv4.addSubnet(net, bits, 'ipv4')
// In addition to loopback, local, link-local and multicast: addresses that embed an IPv4 address (mapped, NAT64, 6to4,
// Teredo).
for (const [net, bits] of [
  ['::', 96],
  ['::ffff:0:0', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
] as const)
  closed.ipv6.addSubnet(net, bits, 'ipv6')

/** True for a public address. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address)
  return family !== 0 && !(family === 4 ? closed.ipv4.check(address, 'ipv4') : closed.ipv6.check(address, 'ipv6'))
}

const refused = (host: string, address: string): SystemError =>
  new SystemError(
    'private_address',
    `${host} is ${host === address ? 'an' : `${address}, an`} address of this machine or of a private network: requests to it are refused`,
    {
      hint: 'if this is intended, set `allow_private: true`',
    },
  )

/** Throws for a host that is a literal address and may not be called; `publicLookup` checks names. */
export function checkHost(url: URL): void {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  if (isIP(host) !== 0 && !isPublicAddress(host)) throw refused(host, host)
}

/**
 * Throws unless this machine resolves the host to public addresses only. Before a request through a proxy: what the
 * proxy resolves the name to cannot be seen from here.
 */
export async function checkName(url: URL): Promise<void> {
  if (isIP(url.hostname.replace(/^\[(.*)\]$/, '$1')) !== 0) return
  await new Promise<void>((resolve, reject) => {
    publicLookup(url.hostname, { all: true }, (error) => (error ? reject(unchecked(error, url)) : resolve()))
  })
}

/** A name that only the proxy resolves. */
const unchecked = (error: Error, { hostname }: URL): Error =>
  error.name === 'SystemError'
    ? error
    : new SystemError('private_address', `${hostname} cannot be resolved here, so its address cannot be checked`, {
        hint: 'if only the proxy resolves names, set `allow_private: true`: the proxy then decides what is called',
        cause: error,
      })

/** Resolves a name; fails if any of its addresses may not be called. */
export const publicLookup: LookupFunction = (host, options, callback) => {
  lookup(host, { ...options, all: true }, (error, addresses) => {
    const bad = error ? undefined : addresses.find(({ address }) => !isPublicAddress(address))
    const failure = error ?? (bad ? refused(host, bad.address) : null)
    if (failure) callback(failure, '', 0)
    else if (options.all) callback(null, addresses)
    else callback(null, addresses[0]!.address, addresses[0]!.family)
  })
}
