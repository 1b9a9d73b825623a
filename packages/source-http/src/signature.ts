/**
 * Signatures of requests: HMAC-SHA-256 over the bytes of the wire, before anything is decompressed or parsed.
 *
 * Sources of the schemes: GitHub, "Validating webhook deliveries"; Shopify, "Verify a webhook"; Stripe, "Verify
 * signatures manually"; Svix, "Verifying webhooks manually", which is also the Standard Webhooks specification.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { MillraceError, type Secret } from '@millrace/core'

export const schemes = ['hmac', 'github', 'shopify', 'stripe', 'svix'] as const

export interface SignatureOptions {
  readonly scheme: (typeof schemes)[number]
  readonly secret: Secret
  readonly header?: string | undefined
  /** How far the time of a signature may be from ours, ms. */
  readonly tolerance: number
}

/** Whose request it is. `key`: what it is known by when it is sent again; absent: the sender gives a key, or none. */
export interface Signed {
  readonly key?: string
}

/** Returns undefined if the signature is missing, wrong or too old. `nowMs`: UTC. */
export type Verify = (wire: Uint8Array, headers: IncomingHttpHeaders, nowMs: number) => Signed | undefined

/** The header that has the signature, unless an option says otherwise. */
export const hmacHeader = 'x-signature-256'

/** Whether its requests have keys of their own, which a sender repeats with them. */
export const hasOwnKeys = ({ scheme }: SignatureOptions): boolean => scheme !== 'hmac'

/** Makes the check of a scheme. Throws `bad_secret`. */
export function verifier({ scheme, secret, header = hmacHeader, tolerance }: SignatureOptions, place: string): Verify {
  const key = keyOf(scheme, secret.reveal(), place)
  const mac = (encoding: 'hex' | 'base64', ...parts: readonly (string | Uint8Array)[]) => {
    const hash = createHmac('sha256', key)
    for (const part of parts) hash.update(part)
    return hash.digest(encoding)
  }
  const isInTime = (seconds: string, nowMs: number) =>
    /^\d{1,12}$/.test(seconds) && Math.abs(nowMs - Number(seconds) * 1000) <= tolerance
  switch (scheme) {
    case 'hmac':
      return (wire, headers) => {
        const given = textOf(headers, header.toLowerCase()).replace(/^sha256=/, '')
        return same(given, mac('hex', wire)) ? {} : undefined
      }
    // Neither signs a time or an id: a request is known by its signature, so the same body is the same request.
    case 'github':
      return (wire, headers) => {
        const expected = `sha256=${mac('hex', wire)}`
        return same(textOf(headers, 'x-hub-signature-256'), expected) ? { key: `github:${expected}` } : undefined
      }
    case 'shopify':
      return (wire, headers) => {
        const expected = mac('base64', wire)
        return same(textOf(headers, 'x-shopify-hmac-sha256'), expected) ? { key: `shopify:${expected}` } : undefined
      }
    // Signed anew when it is sent again: it is known by the id of its event.
    case 'stripe':
      return (wire, headers, nowMs) => {
        const parts = textOf(headers, 'stripe-signature').split(',', 20)
        const valuesOf = (name: string) =>
          parts.flatMap((part) => (part.trim().startsWith(`${name}=`) ? [part.trim().slice(name.length + 1)] : []))
        const [time = ''] = valuesOf('t')
        if (!isInTime(time, nowMs)) return undefined
        const expected = mac('hex', `${time}.`, wire)
        if (!valuesOf('v1').some((given) => same(given, expected))) return undefined
        return { key: `stripe:${eventIdOf(wire) ?? expected}` }
      }
    case 'svix':
      return (wire, headers, nowMs) => {
        const field = (name: string) => textOf(headers, `svix-${name}`) || textOf(headers, `webhook-${name}`)
        const [id, time] = [field('id'), field('timestamp')]
        if (id === '' || id.length > 255 || !isInTime(time, nowMs)) return undefined
        const expected = `v1,${mac('base64', `${id}.${time}.`, wire)}`
        const given = field('signature').split(' ', 20)
        return given.some((each) => same(each, expected)) ? { key: `svix:${id}` } : undefined
      }
  }
}

/** Compares in constant time. */
export function same(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}

const textOf = (headers: IncomingHttpHeaders, name: string): string => {
  const value = headers[name]
  return typeof value === 'string' ? value : ''
}

/** The key of the HMAC. Svix encodes it; the others use the secret as it is. */
function keyOf(scheme: SignatureOptions['scheme'], secret: string, place: string): string | Buffer {
  const bad = (message: string, hint: string) =>
    new MillraceError('bad_secret', `the secret of \`signature\` ${message}`, { place, hint, exitCode: 2 })
  if (secret === '') throw bad('is empty: anyone could sign with it', 'set the secret that the sender signs with')
  if (scheme !== 'svix') return secret
  const encoded = secret.replace(/^whsec_/, '')
  const key = Buffer.from(encoded, 'base64')
  if (key.length === 0 || key.toString('base64').replace(/=+$/, '') !== encoded.replace(/=+$/, ''))
    throw bad('is not one of Svix', 'it is `whsec_` and base64, as its page of the endpoint shows it')
  return key
}

/** The id of an event of Stripe. Its bytes are signed, but need not be JSON. */
function eventIdOf(wire: Uint8Array): string | undefined {
  try {
    const { id } = JSON.parse(Buffer.from(wire).toString('utf8')) as { readonly id?: unknown }
    return typeof id === 'string' && id !== '' && id.length <= 255 ? id : undefined
  } catch {
    return undefined
  }
}
