/** Certificates of tests: an authority that nobody trusts, and what it has signed (see `certificates/make.sh`). */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const pathOf = (name: string): string => fileURLToPath(new URL(`../src/certificates/${name}.pem`, import.meta.url))
const read = (name: string): string => readFileSync(pathOf(name), 'utf8')

/** Their files. A server's and a client's have certificate and key. */
export const certificatePaths = { ca: pathOf('ca'), server: pathOf('server'), client: pathOf('client') }

/** What a server of `node:https` or `node:tls` takes, for localhost and 127.0.0.1. */
export const serverCertificate = (): { readonly cert: string; readonly key: string } => ({
  cert: read('server'),
  key: read('server'),
})

/** The same; clients have to show a certificate of the authority. */
export const mutualTls = () => ({ ...serverCertificate(), ca: read('ca'), requestCert: true, rejectUnauthorized: true })
