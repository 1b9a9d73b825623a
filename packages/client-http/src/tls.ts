/** Settings of TLS, from the files that options name. */
import { readFileSync } from 'node:fs'
import { getCACertificates } from 'node:tls'
import { type Env, MillraceError } from '@millrace/core'
import type { TlsOptions } from './options.ts'

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
  const certificate = tls.certificate === undefined ? undefined : pem(tls.certificate, 'certificate', env)
  return {
    ...(tls.ca === undefined ? {} : { ca: [...getCACertificates('default'), pem(tls.ca, 'ca', env)] }),
    ...(certificate === undefined ? {} : { cert: certificate, key: certificate }),
    ...(tls.reject_unauthorized ? {} : { rejectUnauthorized: false }),
  }
}

/** The part that says whom to trust: a client certificate is for the server that it was issued for. */
export const trustOf = ({ cert: _, key: __, ...trust }: TlsSettings = {}): TlsSettings => trust

function pem(path: string, name: string, env: Pick<Env, 'resolve'>): string {
  try {
    return readFileSync(env.resolve(path), 'utf8')
  } catch (error) {
    throw new MillraceError('bad_value', `\`tls.${name}\` cannot be read: ${(error as Error).message}`, {
      hint: 'name a PEM file, relative to the folder of the project',
      exitCode: 2,
    })
  }
}
