/** dynalite 4.0.0 (Apache-2.0), a stand-in for DynamoDB from npm, in memory. */
import { createRequire } from 'node:module'
import { standInEnv } from '../aws.ts'
import type { Place, Server } from '../server.ts'

export const dynamodb: Server = {
  name: 'dynamodb',
  ports: 1,
  // `npm ci` has installed it.
  get: () => Promise.resolve(),
  command: (place) => [
    process.execPath,
    '--max-old-space-size=768',
    createRequire(import.meta.url).resolve('dynalite/cli.js'),
    '--host=127.0.0.1',
    `--port=${place.port}`,
    '--createTableMs=10',
    '--deleteTableMs=10',
    '--updateTableMs=10',
    // It has no such option: it tells this process from others.
    `--of=${place.run}`,
  ],
  async healthy(place) {
    const response = await fetch(urlOf(place), {
      method: 'POST',
      headers: {
        'x-amz-target': 'DynamoDB_20120810.ListTables',
        'content-type': 'application/x-amz-json-1.0',
        authorization:
          'AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0',
        'x-amz-date': '20260101T000000Z',
      },
      body: '{}',
    })
    if (!response.ok) throw new Error(`it answers ${response.status}: ${await response.text()}`)
  },
  env: (place) => ({ MILLRACE_TEST_DYNAMODB_URL: urlOf(place), ...standInEnv }),
}

const urlOf = (place: Place): string => `http://127.0.0.1:${place.port}`
