/** What the check finds about buckets without a connection. */
import { describe, expect, test } from 'vitest'
import { s3Problems } from '../src/index.ts'

const found = (bucket: string, endpoint?: string) =>
  s3Problems({ bucket, region: 'eu-west-1', checksums: 'when_supported', endpoint }).map(({ at }) => at.join())
const elsewhere = 'http://127.0.0.1:9000'

describe('the name of a bucket', () => {
  test.each(['demo-lake', 'a.b.c', '123', 'a'.repeat(63), 'demo.1-2'])('%s is right everywhere', (bucket) => {
    expect([found(bucket), found(bucket, elsewhere)]).toEqual([[], []])
  })

  test.each([
    'my_Bucket',
    'Lake',
    'ab',
    'a'.repeat(64),
    '-lake',
    'lake-',
    '.lake',
    'lake.',
    'a..b',
    'a/b',
    'lake ',
    'käse',
    '192.168.5.4',
  ])('%s is a finding everywhere', (bucket) => {
    expect([found(bucket), found(bucket, elsewhere)]).toEqual([['bucket'], ['bucket']])
  })

  test.each(['xn--lake', 'sthree-lake', 'amzn-s3-demo-lake', 'lake-s3alias', 'lake--ol-s3', 'lake.mrap', 'a_b'])(
    '%s is a finding on S3 only',
    (bucket) => {
      expect([found(bucket), found(bucket, elsewhere)]).toEqual([['bucket'], []])
    },
  )

  test('may be the ARN of an access point', () => {
    expect(found('arn:aws:s3:eu-west-1:123456789012:accesspoint/lake')).toEqual([])
  })
})
