import { networkError } from '@millrace/core'
import { expect, it } from 'vitest'

const because = (code: string, message = code) => Object.assign(new Error(message), { code })
const told = (error: unknown) => {
  const found = networkError(error, 'x cannot be reached', 'name it in `ca`')
  return found && [found.code, found.message, found.hint]
}

it('finds the cause of a failed connection, however deep a library has put it', () => {
  const aggregate = new AggregateError([because('PLT', 'wrapped'), because('SELF_SIGNED_CERT_IN_CHAIN', 'self-signed')])
  expect(told(new Error('no broker', { cause: aggregate }))).toEqual([
    'tls_untrusted',
    'x cannot be reached: the certificate is not trusted: self-signed',
    'name it in `ca`',
  ])
  expect(told(because('CERT_HAS_EXPIRED', 'expired'))?.[2]).toMatch(/renewed/)
  expect(told(because('ERR_TLS_CERT_ALTNAME_INVALID'))?.[2]).toMatch(/a name that is in the certificate/)
  expect(told(because('ERR_SSL_WRONG_VERSION_NUMBER'))?.[0]).toBe('tls_failed')
  expect(told(Object.assign(because('ENOTFOUND'), { hostname: 'h' }))?.[1]).toBe(
    'x cannot be reached: there is no host h',
  )
})

it('is none of its business otherwise, and ends in a circle of causes', () => {
  const circle = because('ECONNREFUSED')
  circle.cause = circle
  expect(told(circle)).toBeUndefined()
  expect(told('text')).toBeUndefined()
})
