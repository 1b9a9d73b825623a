import { partitioner } from '@millrace/client-kafka'
import { expect, it } from 'vitest'

/** Hashes of murmur2 from the tests of Kafka's Java client: clients/src/test/java/.../utils/UtilsTest.java. */
const hashes = [
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
] as const

it.each(hashes)('the key %s is in the partition in which other clients put it', (key, hash) => {
  for (const partitions of [1, 2, 3, 5, 6, 7, 12])
    expect(partitioner()({}, Buffer.from(key)) % partitions).toBe((hash & 0x7fffffff) % partitions)
})

it('records without a key are spread evenly', () => {
  const partitionOf = partitioner()
  const counts = [0, 0, 0]
  for (let i = 0; i < 300; i++) counts[partitionOf({}) % 3]!++
  expect(counts).toEqual([100, 100, 100])
})
