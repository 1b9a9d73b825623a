/** Settings of TLS, from the files that options name. */
import { readFileSync } from 'node:fs'
import { rootCertificates } from 'node:tls'
import { type Env, MillraceError } from '@millrace/core'
import type { TlsOptions } from '@millrace/kinds'

/** What Node's TLS takes. */
export interface TlsSettings {
  readonly ca?: string[]
  readonly cert?: string
  readonly key?: string
  readonly rejectUnauthorized?: boolean
}

/** Reads the files. Throws `bad_value` if one cannot be read. */
export function tlsSettings(tls: TlsOptions | undefined, env: Pick<Env, 'resolve'>): TlsSettings | undefined {
  if (!tls) return undefined
  const read = (path: string, name: string): string => {
    try {
      return readFileSync(env.resolve(path), 'utf8')
    } catch (error) {
      throw new MillraceError('bad_value', `\`tls.${name}\` cannot be read: ${(error as Error).message}`, {
        hint: 'it names a PEM file, from the folder of the project',
        exitCode: 2,
      })
    }
  }
  const certificate = tls.certificate === undefined ? undefined : read(tls.certificate, 'certificate')
  return {
    ...(tls.ca === undefined ? {} : { ca: [...rootCertificates, read(tls.ca, 'ca')] }),
    ...(certificate === undefined ? {} : { cert: certificate, key: certificate }),
    ...(tls.reject_unauthorized ? {} : { rejectUnauthorized: false }),
  }
}
