/**
 * The stand-in for Redshift, PostgreSQL behind a proxy of ours, and a fake of Glue that loads into it. Both need the
 * servers `postgres` and `seaweedfs`. What they do differently is in the fidelity test.
 */
import { join } from 'node:path'
import { standInEnv } from '../aws.ts'
import { answers } from '../postgres/server.ts'
import type { Place, Server } from '../server.ts'
import { database } from './database.ts'
import type { Behind } from './proxy.ts'

/** `behind`: where the servers are that it needs. */
export const redshiftBefore = (behind: () => Behind): Server => ({
  name: 'redshift',
  ports: 2,
  // It is of this repository.
  get: () => Promise.resolve(),
  command(place) {
    const { postgres, s3 } = behind()
    const ports = [String(place.port), String(place.port + 1)]
    return [process.execPath, join(import.meta.dirname, 'run.ts'), place.run, ...ports, postgres, s3]
  },
  healthy: (place) => answers(addressOf(place)),
  env: (place) => ({
    MILLRACE_TEST_REDSHIFT_URL: addressOf(place),
    MILLRACE_TEST_GLUE_URL: `http://127.0.0.1:${place.port + 1}`,
    ...standInEnv,
  }),
})

const addressOf = (place: Place): string => `postgres://test@127.0.0.1:${place.port}/${database}`
