/** What logs in: values of the `Authorization` header. */
import { hideSecrets, type Secret } from '@millrace/core'
import type { SecretText } from './options.ts'

/** What authorizes requests. */
export interface Authorization {
  /** The value of the header. */
  value(): Promise<Secret>
  /** A request with this value was refused. True: another one may be accepted. */
  renew(refused: Secret): boolean
  /** Ends what is under way. */
  close(reason?: Error): void
}

/** The value of a secret; plain text replaces one where no spec is involved. */
export const revealed = (value: SecretText): string => (typeof value === 'string' ? value : value.reveal())

/** Name and password as Basic authentication sends them: RFC 7617. Neither this nor its parts are ever printed. */
export function basic(username: string, password: string): string {
  hideSecrets([password, `${username}:${password}`])
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}
