import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Admin, Producer } from '@platformatic/kafka'
import { describe, expect, it } from 'vitest'
import { liveUrl } from '../../src/live.ts'
import { type Death, type Restartable, startOnce } from '../../src/until-done.ts'
import { pipeFromSource } from './jobs.ts'
import { documents } from './oracle.ts'

const broker = liveUrl('KAFKA')
const topic = `instances-${randomUUID().slice(0, 8)}`

/** Numbers `from` to `to`, each to the partition of its remainder. */
async function fill(from: number, to: number, partitions: number): Promise<void> {
  const producer = new Producer<string, string, string, string>({
    clientId: 'fill',
    bootstrapBrokers: [broker!],
    retries: 10,
    serializers: { key: (text) => Buffer.from(text ?? ''), value: (text) => Buffer.from(text ?? '') },
  })
  try {
    for (let at = from; at < to; at += 2000) {
      const length = Math.min(2000, to - at)
      await producer.send({
        messages: Array.from({ length }, (_, i) => ({
          topic,
          partition: (at + i) % partitions,
          value: JSON.stringify({ n: at + i }),
        })),
      })
    }
  } finally {
    await producer.close()
  }
}

describe.skipIf(!broker)('instances that share the partitions of a topic', () => {
  it('lose and double nothing when one is killed, when they become one, and when a partition is added', {
    timeout: 180_000,
  }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-instances-'))
    const admin = new Admin({ clientId: 'instances', bootstrapBrokers: [broker!], retries: 10 })
    try {
      await admin.createTopics({ topics: [topic], partitions: 3, replicas: 1 })
      await fill(0, 30_000, 3)
      writeFileSync(join(folder, 'millrace.yaml'), 'version: 1\n')
      writeFileSync(
        join(folder, 'numbers.yaml'),
        `version: 1
name: numbers
delivery: effectively_once
source:
  type: kafka
  config: { stream: ${topic}, brokers: ["${broker}"] }
  schema: { fields: { n: integer } }
sinks:
  documents: { type: sqlite, config: { path: out/store.db, collection: numbers } }
`,
      )
      const pipe = (...words: string[]): Restartable => ({
        command: process.execPath,
        args: [...pipeFromSource, ...words],
        cwd: folder,
      })
      const read = (death: Death, ...more: string[]) =>
        startOnce(pipe('run', 'numbers.yaml', '--until', 'caught_up', '--json', ...more), death)
      const stored = () => documents(join(folder, 'out/store.db'), 'numbers').map(({ doc }) => Number(doc['n']))
      const all = (n: number) => Array.from({ length: n }, (_, i) => i)

      const [first, second] = await Promise.all([
        read({ point: 'after_write', time: 3 }, '--instance', '0/2'),
        read('lives', '--instance', '1/2'),
      ])
      expect([first.killed, second.killed]).toEqual([true, false])
      expect((await read({ point: 'after_save', time: 2 }, '--instance', '0/2')).killed).toBe(true)
      await read('lives', '--instance', '0/2')
      expect(stored().toSorted((a, b) => a - b)).toEqual(all(30_000))

      await expect(read('lives')).rejects.toThrow('other_scale')
      await startOnce(pipe('state', 'rescale', 'numbers', '--to', '1'), 'lives')
      await fill(30_000, 31_000, 3)
      await read('lives')
      expect(stored().toSorted((a, b) => a - b)).toEqual(all(31_000))

      await admin.createPartitions({ topics: [{ name: topic, count: 4, assignments: null }] } as never)
      await fill(31_000, 33_000, 4)
      await read('lives')
      expect(stored().toSorted((a, b) => a - b)).toEqual(all(33_000))
    } finally {
      await admin.deleteTopics({ topics: [topic] }).catch(() => {})
      await admin.close()
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
