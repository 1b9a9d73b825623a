/** What errors of servers that speak the protocol mean. */
import { DatabaseError } from 'pg'
import { expect, test } from 'vitest'
import { isExisting, systemError } from '../src/failures.ts'

const o = { url: 'postgres://u:hush@warehouse/d', schema: 'public' }
const failed = (code: string, message: string): DatabaseError =>
  Object.assign(new DatabaseError(message, message.length, 'error'), { code, severity: 'ERROR' })

test('a transaction of Redshift that cannot be put in an order is repeated; another internal error is not', () => {
  const unordered = failed('XX000', '1023 DETAIL: Serializable isolation violation on table in Redshift')
  expect(systemError(unordered, o)).toMatchObject({ code: 'unavailable', retry: true })
  expect(systemError(failed('XX000', 'assertion failed'), o)).toMatchObject({ code: 'store_failed', retry: false })
})

test('an error that repeats the address of the server shows no password', () => {
  const { message, cause } = systemError(failed('XX000', `cannot reach ${o.url}`), o)
  expect(message + String(cause)).not.toContain('hush')
})

test('what is there already is told from other failures', () => {
  expect(isExisting(failed('42P07', 'relation exists'))).toBe(true)
  expect(isExisting(failed('42501', 'permission denied'))).toBe(false)
  expect(isExisting(new Error('cut'))).toBe(false)
})
