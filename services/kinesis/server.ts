/** kinesis-local 0.6.2 (MIT), a stand-in for Kinesis from npm. What it does differently is in the fidelity test. */
import { join } from 'node:path'
import { KinesisClient, ListStreamsCommand } from '@aws-sdk/client-kinesis'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { standInEnv } from '../aws.ts'
import type { Place, Server } from '../server.ts'

export const kinesis: Server = {
  name: 'kinesis',
  ports: 2,
  // `npm ci` has installed it.
  get: () => Promise.resolve(),
  command: (place) => [
    process.execPath,
    '--max-old-space-size=3072',
    join(import.meta.dirname, 'run.ts'),
    place.run,
    String(place.port),
    String(place.port + 1),
  ],
  async healthy(place) {
    const client = new KinesisClient({
      endpoint: urlOf(place),
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
      requestHandler: new NodeHttpHandler(),
      maxAttempts: 1,
    })
    try {
      await client.send(new ListStreamsCommand({}))
    } finally {
      client.destroy()
    }
  },
  env: (place) => ({ MILLRACE_TEST_KINESIS_URL: urlOf(place), ...standInEnv }),
}

const urlOf = (place: Place): string => `http://127.0.0.1:${place.port}`
