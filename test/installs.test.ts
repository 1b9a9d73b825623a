/** What installing a connector adds: its own system's library, and no other. */
import { describe, expect, it } from 'vitest'
import { foreign, installed, readLock } from '../scripts/installs.ts'

const lock = readLock()
const connectors = Object.keys(lock)
  .filter((folder) => /^packages\/(source|sink)-[^/]+$/.test(folder))
  .map((folder) => folder.slice('packages/'.length))

/** Libraries that are large or specific to one system, and which connectors need them. */
const libraries: Readonly<Record<string, RegExp>> = {
  'apache-arrow': /-(files|s3)$/,
  hyparquet: /-(files|s3)$/,
  'hyparquet-writer': /-(files|s3)$/,
  mongodb: /-mongodb$/,
  pg: /-(postgres|redshift)$/,
  '@platformatic/kafka': /-kafka$/,
  '@aws-sdk/client-dynamodb': /-dynamodb$/,
  '@aws-sdk/client-kinesis': /-kinesis$/,
  '@aws-sdk/client-glue': /-redshift$/,
  '@aws-sdk/client-s3': /-(s3|redshift)$/,
  fastify: /^source-http$/,
  '@faker-js/faker': /^source-generate$/,
}

describe('an install', () => {
  it('is told from the lock file', () => {
    expect(connectors.length).toBeGreaterThan(10)
    expect(foreign(installed(lock, 'sink-files'))).toContain('apache-arrow')
    expect(foreign(installed(lock, 'source-kafka'))).toContain('@platformatic/kafka')
  })

  it.each(connectors)('of %s brings the libraries of its own system only', (name) => {
    const brought = foreign(installed(lock, name))
    expect(Object.keys(libraries).filter((library) => brought.includes(library))).toEqual(
      Object.keys(libraries).filter((library) => libraries[library]!.test(name)),
    )
  })

  it('of the command brings no driver', () => {
    const brought = foreign(installed(lock, 'cli'))
    const drivers = [
      'mongodb',
      'pg',
      '@platformatic/kafka',
      ...Object.keys(libraries).filter((name) => name.startsWith('@aws-sdk/')),
    ]
    expect(brought.filter((name) => drivers.includes(name))).toEqual([])
  })
})
